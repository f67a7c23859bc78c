import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { BuildRefSchema } from '../../../proto/gen/fairway/v1/builds_pb.js'
import {
  type Evidence,
  type EvidenceRef,
  EvidenceSchema,
  type SigningKey,
  SigningKeySchema,
  type Statement,
  StatementSchema,
} from '../../../proto/gen/fairway/v1/evidence_pb.js'
import type { AppContext } from '../../context.ts'
import type { StatementsTable } from '../../db/tables/audit.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound, wrongState } from '../../errors.ts'
import { makeCheckpoint } from '../../evidence/audit/checkpoints.ts'
import { publishCheckpoint } from '../../evidence/audit/publish.ts'
import { type SealedBundle, sealBundle } from '../../evidence/bundle/seal.ts'
import { listKeys, type PublicKey, rotateKeys } from '../../evidence/keys.ts'
import { fingerprintOf } from '../../evidence/statements/sign.ts'
import type { Subject } from '../../evidence/statements/statement.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { listLimit } from '../list-limit.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { findRunId } from '../run-id.ts'
import { requireBuild } from './build-views.ts'

/** Runs that ended, newest first, with their statements. Throws `project-not-found`, `permission-denied`. */
export async function listEvidence(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; limit: number },
): Promise<Evidence[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = filter.project ? await requireProject(tx, filter.project) : undefined
    await authorize(tx, caller, 'evidence.read', { projectId: project?.id })
    let query = endedRuns(tx).orderBy('runs.finished_at', 'desc').limit(listLimit(filter.limit))
    if (project) query = query.where('runs.project_id', '=', project.id)
    const runs = await query.execute()
    const statements = await statementsOf(
      tx,
      runs.map(({ id }) => id),
    )
    return runs.map((run) => evidenceMessage(run, statements.get(run.id) ?? []))
  })
}

/** One run's statements, whole. Throws `run-not-found`, `build-not-found`, `run-not-ended`, `no-evidence`. */
export async function getEvidence(
  { db, blobs }: AppContext,
  caller: Caller,
  ref?: EvidenceRef,
): Promise<Evidence> {
  const evidence = await withTenant(db, caller, async (tx) => {
    const run = await requireEndedRun(tx, caller, ref)
    return evidenceMessage(run, (await statementsOf(tx, [run.id])).get(run.id) ?? [])
  })
  for (const statement of evidence.statements) {
    statement.bundle = (await blobs.get(statement.bundleSha256)).toString('utf8')
  }
  return evidence
}

/** The run's bundle, sealed when it is pulled for the first time. Throws what getEvidence throws. */
export async function pullEvidence(
  context: AppContext,
  caller: Caller,
  ref?: EvidenceRef,
): Promise<SealedBundle & { readonly bytes: Buffer }> {
  const run = await withTenant(context.db, caller, (tx) => requireEndedRun(tx, caller, ref))
  const sealed = await sealBundle(context, caller.organizationId, run.id)
  return { ...sealed, bytes: await context.blobs.get(sealed.sha256) }
}

/** Public keys are public: everybody in the organization sees them, those of former times included. */
export async function listSigningKeys({ db }: AppContext, caller: Caller): Promise<SigningKey[]> {
  return await withTenant(db, caller, async (tx) => (await listKeys(tx)).map(keyMessage))
}

/**
 * New keys of both purposes from now on. A checkpoint follows at once: it is signed with the former key too, and so the
 * agents follow although another rotation may come soon.
 */
export async function rotateSigningKeys(context: AppContext, caller: Caller): Promise<SigningKey[]> {
  const { db, sealer, log } = context
  const keys = await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'evidence.rotate-keys')
    await rotateKeys(tx, caller, sealer, 'statements')
    await rotateKeys(tx, caller, sealer, 'checkpoints')
    return (await listKeys(tx)).map(keyMessage)
  })
  try {
    await makeCheckpoint(context, caller.organizationId)
    await publishCheckpoint(context, caller.organizationId)
  } catch (error) {
    log.warn(
      { err: error },
      'no checkpoint could be made after a rotation of keys; the next one is due in a minute',
    )
  }
  return keys
}

type RunRow = Selectable<RunsTable> & { project: string; environment: string | null }

async function requireEndedRun(tx: Tx, caller: Caller, ref: EvidenceRef | undefined): Promise<RunRow> {
  const run = await requireRun(tx, ref)
  await authorize(tx, caller, 'evidence.read', { projectId: run.project_id })
  const name = run.number ? `Build ${run.project}/${run.number}` : `Run ${run.id}`
  if (!run.finished_at) {
    const next = run.number
      ? `fairway build watch ${run.project} ${run.number}`
      : `fairway run show ${run.id}`
    throw wrongState(
      'run-not-ended',
      `${name} is ${run.status}: its evidence is made when it has ended. Wait for it: \`${next}\`.`,
    )
  }
  const signed = await tx
    .selectFrom('statements')
    .select('id')
    .where('run_id', '=', run.id)
    .where('name', '=', 'run')
    .executeTakeFirst()
  if (!signed) {
    throw wrongState(
      'no-evidence',
      `${name} ended before this server made evidence; its record is unsigned: \`fairway run show ${run.id}\`.`,
    )
  }
  return run
}

async function requireRun(tx: Tx, ref: EvidenceRef | undefined): Promise<RunRow> {
  if (ref?.project || ref?.buildNumber) {
    return await requireBuild(tx, create(BuildRefSchema, { project: ref.project, number: ref.buildNumber }))
  }
  const id = ref?.runId ?? ''
  if (!id) throw invalid('run', 'Name a run by its id, or a build by its project and number.')
  const known = await findRunId(tx, id)
  const row = known ? await runRows(tx).where('runs.id', '=', known).executeTakeFirst() : undefined
  if (!row) throw notFound('run', JSON.stringify(id), 'List them with `fairway evidence list`.')
  return row
}

const runRows = (tx: Tx) =>
  tx
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .leftJoin('environments', 'environments.id', 'runs.environment_id')
    .selectAll('runs')
    .select(['projects.name as project', 'environments.name as environment'])

const endedRuns = (tx: Tx) =>
  runRows(tx)
    .where('runs.finished_at', 'is not', null)
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('statements').select('id').whereRef('statements.run_id', '=', 'runs.id')),
    )

async function statementsOf(tx: Tx, runIds: readonly string[]): Promise<Map<string, Statement[]>> {
  if (runIds.length === 0) return new Map()
  const rows = await tx
    .selectFrom('statements')
    .selectAll()
    .where('run_id', 'in', runIds)
    .orderBy('name')
    .execute()
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id as string)
  return new Map([...byRun].map(([run, own]) => [run, own.map(statementMessage)]))
}

const statementMessage = (row: Selectable<StatementsTable>): Statement =>
  create(StatementSchema, {
    id: row.id,
    predicateType: row.predicate_type,
    subjects: (row.subjects as Subject[]).map(({ name, sha256 }) => `${name} sha256:${sha256}`),
    bundleSha256: row.bundle_sha256,
    keyId: row.signing_key_id,
    createdAt: timestampOf(row.created_at),
  })

const evidenceMessage = (run: RunRow, statements: Statement[]): Evidence =>
  create(EvidenceSchema, {
    runId: run.id,
    kind: run.kind,
    project: run.project,
    environment: run.environment ?? '',
    buildNumber: run.number ?? 0,
    outcome: run.status,
    finishedAt: timestampOf(run.finished_at),
    statements,
  })

const keyMessage = (key: PublicKey): SigningKey =>
  create(SigningKeySchema, {
    id: key.id,
    purpose: key.purpose,
    algorithm: key.algorithm,
    publicKey: key.pem,
    fingerprint: fingerprintOf(key.key),
    validFrom: timestampOf(key.validFrom),
    validUntil: timestampOf(key.validUntil ?? null),
  })
