import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { currentKey } from '../keys.ts'
import { claimsOf } from '../statements/claims.ts'
import { signClaim } from '../statements/sign.ts'
import type { Claim } from '../statements/statement.ts'
import { collectManifest, type EndedRun } from './collect.ts'

type Evidence = Pick<AppContext, 'blobs' | 'sealer'>

/**
 * Closes the record of a run, in the transaction that ends it: the manifest, the signed statements about it, and the
 * audit event that binds both to the organization's tree. Gives the manifest's SHA-256. Bytes are written before the
 * rows that name them; a transaction that fails leaves only bytes that nobody names.
 */
export async function recordEnd(context: Evidence, tx: Tx, op: Operation, ended: EndedRun): Promise<string> {
  const manifest = await collectManifest(tx, context.blobs, ended)
  const { sha256 } = await context.blobs.put(Buffer.from(JSON.stringify(manifest, undefined, 2)))
  const key = await currentKey(tx, op, context.sealer, 'statements')
  const statements = await Promise.all(
    claimsOf({ manifest, sha256 }).map(async (claim) => ({
      claim,
      bundle: (await context.blobs.put(await signClaim(claim, key))).sha256,
    })),
  )
  await tx
    .insertInto('statements')
    .values(statements.map(({ claim, bundle }) => rowOf(ended, claim, bundle, key.id)))
    .execute()
  await audit(
    tx,
    op,
    'run.end',
    { kind: 'run', id: ended.run.id, projectId: ended.run.project_id },
    {
      status: ended.outcome.status,
      result: ended.outcome.result,
      manifest: sha256,
      statements: Object.fromEntries(statements.map(({ claim, bundle }) => [claim.name, bundle])),
    },
  )
  return sha256
}

const rowOf = ({ run }: EndedRun, claim: Claim, bundleSha256: string, keyId: string) => ({
  organization_id: run.organization_id,
  project_id: run.project_id,
  run_id: run.id,
  name: claim.name,
  predicate_type: claim.predicateType,
  subjects: JSON.stringify(claim.subjects),
  bundle_sha256: bundleSha256,
  signing_key_id: keyId,
})
