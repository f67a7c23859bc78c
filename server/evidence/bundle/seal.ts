import { isDeepStrictEqual } from 'node:util'
import type { AppContext } from '../../context.ts'
import { type Operation, operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { findCheckpointOver, makeCheckpoint } from '../audit/checkpoints.ts'
import { currentKey, listKeys, type PublicKey, type SigningKey } from '../keys.ts'
import { verifierKeyOf } from '../notes.ts'
import type { RunManifest } from '../record/run-manifest.ts'
import type { ProvenEvents } from './audit-members.ts'
import { safeName } from './member.ts'
import { membersOf } from './members.ts'
import { packBundle } from './pack.ts'
import { findEnd, provenEvents } from './run-events.ts'

export interface SealedBundle {
  /** Of the file, for people: `evidence-acme-12.tar.zst`. */
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
}

type Context = Pick<AppContext, 'db' | 'blobs' | 'sealer'>

/**
 * The bundle of a run that has ended and has statements. What is in it was settled when the run ended; only its own
 * signature and the times of the keys are of the first pull, which keeps it, so that every later pull gives the same
 * bytes. Of two first pulls at a time both get what the faster one kept.
 */
export async function sealBundle(
  context: Context,
  organizationId: string,
  runId: string,
): Promise<SealedBundle> {
  const op = operation(organizationId, 'evidence')
  const run = await withTenant(context.db, op, (tx) => readRun(tx, runId))
  const name = `evidence-${run.number ? `${safeName(run.project)}-${run.number}` : run.id}`
  const kept = run.kept ?? (await keep(context, op, run, await build(context, op, run, name)))
  return { name: `${name}.tar.zst`, ...kept }
}

interface SealableRun {
  readonly id: string
  readonly number: number | null
  readonly project: string
  readonly projectId: string
  readonly createdAt: Date
  readonly manifestSha256: string
  readonly statements: readonly { name: string; sha256: string; keyId: string }[]
  readonly kept?: { sha256: string; sizeBytes: number }
}

async function readRun(tx: Tx, runId: string): Promise<SealableRun> {
  const run = await tx
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .leftJoin('evidence_bundles', 'evidence_bundles.run_id', 'runs.id')
    .select(['runs.id', 'runs.number', 'runs.project_id', 'runs.created_at', 'runs.manifest_sha256'])
    .select(['projects.name as project', 'evidence_bundles.sha256', 'evidence_bundles.size_bytes'])
    .where('runs.id', '=', runId)
    .executeTakeFirstOrThrow()
  const statements = await tx
    .selectFrom('statements')
    .select(['name', 'bundle_sha256 as sha256', 'signing_key_id as keyId'])
    .where('run_id', '=', runId)
    .orderBy('name')
    .execute()
  return {
    id: run.id,
    number: run.number,
    project: run.project,
    projectId: run.project_id,
    createdAt: run.created_at,
    manifestSha256: run.manifest_sha256,
    statements,
    kept:
      run.sha256 !== null && run.size_bytes !== null
        ? { sha256: run.sha256, sizeBytes: run.size_bytes }
        : undefined,
  }
}

async function build(context: Context, op: Operation, run: SealableRun, folder: string): Promise<Buffer> {
  const { blobs } = context
  const manifest = await blobs.get(run.manifestSha256)
  const statements = await Promise.all(
    run.statements.map(async ({ name, sha256 }) => ({ name, bundle: await blobs.get(sha256) })),
  )
  const audit = await proveEvents(context, op, run, JSON.parse(manifest.toString('utf8')) as RunManifest)
  const { signer, keys } = await withTenant(context.db, op, (tx) => keysOf(tx, op, context, run, audit))
  const members = membersOf(blobs, { manifest, statements, audit, keys })
  return await packBundle(folder, members, (bytes) => signer.sign(bytes))
}

/** Under the first checkpoint that covers the run's last event; made now where there is none yet. */
async function proveEvents(
  context: Context,
  { organizationId, ...op }: Operation,
  run: SealableRun,
  manifest: RunManifest,
): Promise<ProvenEvents> {
  const find = () =>
    withTenant(context.db, { organizationId, ...op }, async (tx) => {
      const end = await findEnd(tx, run.id)
      if (!end) throw new Error(`Run ${run.id} has statements and no event of its end`)
      if (end.index === undefined) return undefined
      const checkpoint = await findCheckpointOver(tx, end.index)
      if (!checkpoint) return undefined
      const scope = {
        runId: run.id,
        // Its own, and that of what it kept.
        environmentIds: [manifest.environment.id, ...(manifest.kept ? [manifest.kept.environmentId] : [])],
        approvalIds: manifest.approvals.map(({ id }) => id),
        createdAt: run.createdAt,
      }
      const events = await provenEvents(tx, manifest.organization, scope, end.id, checkpoint)
      requireSettled(run, events)
      return { checkpoint: checkpoint.note, size: checkpoint.size, events }
    })
  const known = await find()
  if (known) return known
  await makeCheckpoint(context, organizationId)
  const made = await find()
  if (!made) throw new Error(`No checkpoint covers the end of run ${run.id}`)
  return made
}

/**
 * The run still has the manifest and exactly the statements that the event of its end names, and one such event.
 * Throws `evidence-damaged`: what was sealed over less would be given out for good.
 */
function requireSettled(run: SealableRun, events: ProvenEvents['events']): void {
  const ends = events
    .map(({ leaf }) => JSON.parse(leaf) as { action: string; details: unknown; subject: { id: string } })
    .filter(({ action, subject }) => action === 'run.end' && subject.id === run.id)
  const settled = ends[0]?.details as { manifest?: string; statements?: Record<string, string> } | undefined
  const stored = Object.fromEntries(run.statements.map(({ name, sha256 }) => [name, sha256]))
  const isSame = settled?.manifest === run.manifestSha256 && isDeepStrictEqual(settled.statements, stored)
  if (ends.length === 1 && isSame) return
  throw wrongState(
    'evidence-damaged',
    `Run ${run.id} does not have the record and statements that the audit event of its end names: somebody changed ` +
      'the database behind the server, and no evidence is given out over it. Restore these rows from a backup.',
  )
}

/** Whoever signed something that is in the bundle. */
async function keysOf(
  tx: Tx,
  op: Operation,
  { sealer }: Context,
  run: SealableRun,
  audit: ProvenEvents,
): Promise<{ signer: SigningKey; keys: PublicKey[] }> {
  const signer = await currentKey(tx, op, sealer, 'statements')
  const used = new Set([signer.id, ...run.statements.map(({ keyId }) => keyId)])
  const keys = (await listKeys(tx)).filter((key) => used.has(key.id) || signed(audit.checkpoint, key))
  return { signer, keys }
}

function signed(note: string, { purpose, key }: PublicKey): boolean {
  if (purpose !== 'checkpoints') return false
  const origin = note.slice(0, note.indexOf('\n'))
  const [, hash] = verifierKeyOf(origin, key).split('+')
  return note
    .split('\n')
    .filter((line) => line.startsWith(`— ${origin} `))
    .some((line) => {
      const signature = Buffer.from(line.slice(line.lastIndexOf(' ') + 1), 'base64')
      return signature.subarray(0, 4).toString('hex') === hash
    })
}

async function keep(
  { db, blobs }: Context,
  op: Operation,
  run: SealableRun,
  bytes: Buffer,
): Promise<{ sha256: string; sizeBytes: number }> {
  const { sha256, sizeBytes } = await blobs.put(bytes)
  return await withTenant(db, op, async (tx) => {
    await tx
      .insertInto('evidence_bundles')
      .values({
        run_id: run.id,
        organization_id: op.organizationId,
        project_id: run.projectId,
        sha256,
        size_bytes: sizeBytes,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return await tx
      .selectFrom('evidence_bundles')
      .select(['sha256', 'size_bytes as sizeBytes'])
      .where('run_id', '=', run.id)
      .executeTakeFirstOrThrow()
  })
}
