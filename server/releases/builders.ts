import { sql } from 'kysely'
import { type Builder, imageBuilders, listBuilders } from '../db/image-builders.ts'
import type { Tx } from '../db/tenancy.ts'
import type { PolicyDocument } from '../governance/policy/document.ts'
import { listed, mayBuild } from '../governance/policy/supply.ts'

/** Digests under the image key that hosts which the policy names built themselves. */
export async function listVouched(
  tx: Tx,
  projectId: string,
  imageKey: string,
  document: PolicyDocument,
): Promise<string[]> {
  const rows = await imageBuilders(tx, projectId)
    .where(sql<string>`tasks.spec -> 'buildImage' ->> 'imageKey'`, '=', imageKey)
    .execute()
  return [...new Set(rows.filter((row) => vouches(document, row)).map(({ digest }) => digest))]
}

const vouches = (document: PolicyDocument, { anew, host }: Builder): boolean =>
  anew && mayBuild(document, host)

/** Why the image may not go to production by who built it, in one sentence; empty when it may. */
export async function faultOfBuilders(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
  digest: string,
  document: PolicyDocument,
): Promise<string> {
  const { builders: allowed } = document.promotion
  if (allowed === null) return ''
  const known = await listBuilders(tx, project.id, digest)
  if (known.some((builder) => vouches(document, builder))) return ''
  const who = [...new Set(known.map(({ host }) => host))]
  const by =
    who.length === 0
      ? 'no host says that it built it'
      : who.some((host) => mayBuild(document, host))
        ? `${who.join(', ')} built it on layers that others may have left in the registry`
        : `${who.join(', ')} built it`
  return (
    `the image ${digest.slice(0, 19)} is none that a host which the policy (promotion.builders) names built itself ` +
    `(${listed(allowed)}): ${by}; let the branch be built on one of them, again where it was before`
  )
}
