import { createHash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { encodeLogChunk } from '../../server/blobs/log-chunk.ts'
import type { AppContext } from '../../server/context.ts'
import type { RunTrouble } from '../../server/db/record.ts'
import type { CancelCause } from '../../server/db/tables/runs.ts'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import { abandonRun } from '../../server/services/runs/stuck-runs.ts'
import type { Tenant } from './tenant.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

/** What an agent answers, as JSON of fairway.agent.v1.TaskOutput, by kind of task. */
export const answers = {
  resolve: {
    commit: 'c0ffee'.padEnd(40, '0'),
    treeId: 'beef'.padEnd(40, '0'),
    commitMessage: 'Round the total up',
    commitAuthor: 'bob@example.org',
    baseImage: `127.0.0.1:5000/fairway/odoo@sha256:${sha('base')}`,
    imageKey: sha('key'),
    lockSha256: sha('lock'),
    modules: ['shop'],
    closure: ['base', 'shop'],
    baseModules: ['base'],
    stages: ['PRODUCTION', 'STAGING', 'DEVELOPMENT'].map((stage) => ({
      stage: `CELL_STAGE_${stage}`,
      modules: ['shop'],
      closure: ['base', 'shop'],
      baseModules: ['base'],
    })),
    addons: [{ name: 'shop', path: 'shop', treeId: sha('tree').slice(0, 40), hasNeutralize: true }],
    submodules: [{ path: 'oca/web', url: 'https://git.example/oca/web.git', commit: 'abcd'.padEnd(40, '0') }],
    config: {
      production: { installMode: 'INSTALL_MODE_ALL' },
      staging: { installMode: 'INSTALL_MODE_ALL' },
      development: { installMode: 'INSTALL_MODE_ALL' },
    },
  },
  buildImage: {
    reference: `registry.example/acme/shop@sha256:${sha('image')}`,
    digest: `sha256:${sha('image')}`,
    built: true,
  },
  createCell: {},
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', bytes: '5000000000' },
  applyModules: { tests: { ran: true, total: 12 }, defaultPasswords: {} },
  neutralize: {
    assertions: [{ name: 'no-mail-servers', passed: true, detail: '0 of 3 are active' }],
    uncoveredModules: ['shop_extra'],
    passwords: 'PASSWORD_POLICY_RESET',
  },
  snapshotCell: { bytes: '1', takenAt: '2026-02-03T04:05:06Z' },
  restoreCell: {},
  destroyCell: {},
  destroySnapshot: {},
  startRuntime: { durationMs: '1500' },
  stopRuntime: {},
  smoke: { checks: [{ name: 'GET /web/login', passed: true, detail: '200' }] },
  switchRoute: { port: 8080 },
  checkRoom: {},
  fetchImage: {},
  inspectCell: { changedRows: '0' },
  collectImages: {},
} as const

export interface Failure {
  readonly status: 'failed' | 'timed-out'
  readonly reason: string
  readonly error: string
  /** What it had found out of its output, as JSON. */
  readonly found?: object
}

export interface Play {
  /** What tasks answer instead, by kind or by the beginning of their key. */
  readonly answers?: Readonly<Record<string, unknown>>
  readonly failures?: Readonly<Record<string, Failure>>
  /** Lines that each task logs. */
  readonly lines?: number
  /** What a task logs instead, by kind or by the beginning of its key. */
  readonly logs?: Readonly<Record<string, readonly string[]>>
  /** The document that `resolve` makes. */
  readonly lock?: string
  /** Somebody cancels the run once so many of its tasks have ended. */
  readonly cancelAfter?: number
  /** Why then; left out: somebody did. */
  readonly cancelCause?: CancelCause
  /** What happens while a task of that kind is under way. */
  readonly duringTask?: (kind: string) => Promise<void>
  /** What happens after a task of that kind has ended and before the run goes on. */
  readonly afterTask?: (kind: string) => Promise<void>
  /** Nobody approves: play as far as it goes without. */
  readonly untilApproval?: boolean
  /** So many attempts at each task fail that puts things back. */
  readonly backFails?: number
  /** Somebody gives the run up once what puts things back has failed so often. */
  readonly abandonAfter?: number
}

/**
 * Plays the agent (and an approver) for a run until it has ended: the real engine, the real pipelines, and an answer for each task, with
 * log lines, a gap among them, and the document that `resolve` makes.
 */
export async function playRun(
  context: AppContext,
  tenant: Tenant,
  runId: string,
  play: Play = {},
): Promise<void> {
  const { organizationId } = tenant
  for (let round = 0, ended = 0; round < 60; round++) {
    if (ended === play.cancelAfter) await cancel(tenant, runId, play.cancelCause)
    await advance(context, context.config, operations, { runId, organizationId })
    const run = await tenant.scope((tx) =>
      tx
        .selectFrom('runs')
        .select(['finished_at', 'trouble'])
        .where('id', '=', runId)
        .executeTakeFirstOrThrow(),
    )
    if (run.finished_at) return
    const attempts = (run.trouble as RunTrouble | null)?.attempts ?? 0
    if (play.abandonAfter && attempts >= play.abandonAfter)
      await abandonRun(context, tenant.caller, { runId, reason: 'the disk is lost' })
    const tasks = await endTasks(context, tenant, runId, play)
    if (tasks === 0 && play.untilApproval) return
    if (tasks === 0) await approve(tenant, runId)
    if (tasks === 0) await letRetry(tenant, runId)
    ended += tasks
  }
  const { trouble } = await tenant.scope((tx) =>
    tx.selectFrom('runs').select('trouble').where('id', '=', runId).executeTakeFirstOrThrow(),
  )
  throw new Error(`Run ${runId} did not end: ${JSON.stringify(trouble)}`)
}

export const broken: Failure = { status: 'failed', reason: 'x', error: 'it broke' }

/** Neither what is not to be interrupted, nor what only tidies up. */
export const putsBack = ({ always, key }: { readonly always: boolean; readonly key: string }): boolean =>
  always && !/^(route:|snapshot:|prune:|collect-images)/.test(key)

async function endTasks(
  context: AppContext,
  tenant: Tenant,
  runId: string,
  {
    answers: own = {},
    failures = {},
    lines = 3,
    logs = {},
    lock = '{"lock": 1}',
    duringTask,
    afterTask,
    backFails = 0,
  }: Play,
): Promise<number> {
  const open = await tenant.scope((tx) =>
    tx
      .selectFrom('tasks')
      .innerJoin('steps', 'steps.id', 'tasks.step_id')
      .select(['tasks.id', 'tasks.key', 'tasks.kind', 'tasks.attempt', 'tasks.always', 'steps.name as step'])
      .where('tasks.run_id', '=', runId)
      .where('tasks.status', 'in', ['queued', 'leased'])
      .execute(),
  )
  for (const task of open) {
    // What is said of this very task goes before what is said of its kind.
    const of = <T>(known: Readonly<Record<string, T>>): T | undefined =>
      Object.entries(known).find(([name]) => task.kind !== name && task.key.startsWith(name))?.[1] ??
      known[task.kind]
    const failure = putsBack(task) && task.attempt <= backFails ? broken : of(failures)
    await duringTask?.(task.kind)
    const texts = of(logs)
    await log(context, tenant, runId, task, texts?.length ?? lines, texts)
    if (task.kind === 'resolve') await addArtifact(context, tenant, runId, 'lock.json', lock)
    const output = of(own) ?? (answers as Readonly<Record<string, unknown>>)[task.kind]
    if (!output) throw new Error(`No answer to ${task.kind}`)
    const { found, ...failed } = failure ?? {}
    const ending = {
      ...(failure ? failed : { status: 'succeeded' as const }),
      output: failure && !found ? null : JSON.stringify({ [task.kind]: found ?? output }),
    }
    const now = new Date()
    await tenant.scope((tx) =>
      tx
        .updateTable('tasks')
        .set({ ...ending, epoch: 1, log_lines: texts?.length ?? lines, started_at: now, finished_at: now })
        .where('id', '=', task.id)
        .execute(),
    )
    await afterTask?.(task.kind)
  }
  return open.length
}

const cancel = (tenant: Tenant, runId: string, cancel_cause: CancelCause = 'user') =>
  tenant.scope((tx) => tx.updateTable('runs').set({ cancel_cause }).where('id', '=', runId).execute())

/** What failed, and is to be tried again, is tried at once. */
const letRetry = (tenant: Tenant, runId: string) =>
  tenant.scope((tx) =>
    tx.updateTable('runs').set({ retry_at: sql<Date>`now()` }).where('id', '=', runId).execute(),
  )

/** Rita, a release manager, approves what the run waits for. */
async function approve(tenant: Tenant, runId: string): Promise<void> {
  const organization_id = tenant.organizationId
  await tenant.scope(async (tx) => {
    const known = await tx.selectFrom('members').select('id').where('name', '=', 'rita').executeTakeFirst()
    const rita =
      known ??
      (await tx
        .insertInto('members')
        .values({ organization_id, name: 'rita', role: 'release-manager' })
        .returning('id')
        .executeTakeFirstOrThrow())
    const open = await tx
      .selectFrom('approvals')
      .select('id')
      .where('run_id', '=', runId)
      .where('status', '=', 'open')
      .execute()
    for (const { id } of open) {
      await tx
        .insertInto('approval_votes')
        .values({
          organization_id,
          approval_id: id,
          member_id: rita.id,
          decision: 'approve',
          note: 'looks good',
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
  })
}

export async function addArtifact(
  context: AppContext,
  tenant: Tenant,
  runId: string,
  name: string,
  content: string,
): Promise<void> {
  const { sha256, sizeBytes } = await context.blobs.put(Buffer.from(content))
  await tenant.scope((tx) =>
    tx
      .insertInto('artifacts')
      .values({
        organization_id: tenant.organizationId,
        run_id: runId,
        name,
        media_type: 'application/json',
        sha256,
        size_bytes: sizeBytes,
      })
      .execute(),
  )
}

async function log(
  context: AppContext,
  tenant: Tenant,
  runId: string,
  task: { id: string; key: string; step: string },
  count: number,
  texts?: readonly string[],
): Promise<void> {
  if (count === 0) return
  const startMicros = Date.now() * 1_000
  const lines = Array.from({ length: count }, (_, index) => ({
    sequence: index + 1,
    unixMicros: startMicros + index,
    source: 'odoo',
    text:
      texts?.[index] ??
      (index === 1 ? '' : `${task.key}: line ${index + 1}\twith a tab and \u001b[31mcolour`),
    gap: index === 1 && !texts ? 17 : 0,
  }))
  const { sha256, sizeBytes } = await context.blobs.put(await encodeLogChunk(lines))
  const organization_id = tenant.organizationId
  const stream_id = randomUUID()
  await tenant.scope(async (tx) => {
    await tx
      .insertInto('log_streams')
      .values({
        id: stream_id,
        organization_id,
        project_id: tenant.projectId,
        host_id: tenant.hostId,
        run_id: runId,
        task_id: task.id,
        epoch: 1,
        step: task.step,
        last_sequence: count,
      })
      .execute()
    await tx
      .insertInto('log_segments')
      .values({
        organization_id,
        stream_id,
        first_sequence: 1,
        last_sequence: count,
        first_time: new Date(),
        last_time: new Date(),
        sha256,
        size_bytes: sizeBytes,
        gaps: JSON.stringify(
          lines.filter(({ gap }) => gap > 0).map(({ sequence, gap }) => ({ sequence, lines: gap })),
        ),
      })
      .execute()
  })
}
