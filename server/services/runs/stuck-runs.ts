import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { RunTrouble } from '../../db/record.ts'
import { notify } from '../../db/signals.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requireRun } from '../builds/runs.ts'

const mostReason = 1_000

/** Has what the run is stuck at tried again at once. Gives the run's id. Throws `run-not-found`, `run-not-stuck`. */
export async function retryRun({ db }: AppContext, caller: Caller, runId: string): Promise<string> {
  return await withTenant(db, caller, async (tx) => {
    const { id, details, subject } = await lockStuck(tx, caller, 'run.retry', runId)
    await tx
      .updateTable('runs')
      .set({ retry_at: sql<Date>`now()`, advance_at: sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
    await audit(tx, caller, 'run.retry', subject, details)
    await notify(tx, { kind: 'run', id })
    return id
  })
}

/**
 * Gives the run up: it ends red, and what it was to put back stays as it is. Gives its id. Throws `run-not-found`,
 * `run-not-stuck`, `invalid-reason`.
 */
export async function abandonRun(
  { db }: AppContext,
  caller: Caller,
  { runId, reason }: { readonly runId: string; readonly reason: string },
): Promise<string> {
  return await withTenant(db, caller, async (tx) => {
    const { id, details, subject } = await lockStuck(tx, caller, 'run.abandon', runId)
    const why = requireReason(reason)
    await tx
      .updateTable('runs')
      .set({ abandoned_by: caller.actor, abandon_reason: why, advance_at: sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
    await audit(tx, caller, 'run.abandon', subject, { ...details, reason: why })
    await notify(tx, { kind: 'run', id })
    return id
  })
}

async function lockStuck(tx: Tx, caller: Caller, permission: 'run.retry' | 'run.abandon', runId: string) {
  const known = await requireRun(tx, runId)
  const { id, project_id: projectId, environment: name } = known
  const environment = name ? { name, stage: known.stage as Stage } : undefined
  await authorize(tx, caller, permission, { projectId, environment })
  const run = await tx
    .selectFrom('runs')
    .select(['status', 'trouble', 'abandoned_by'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const trouble = run.trouble as RunTrouble | null
  if (!trouble || run.abandoned_by) throw notStuck(id, run)
  const { kind, task, error, attempts, since } = trouble
  const details = { run: known.kind, trouble: kind, task, error, attempts, since }
  return { id, details, subject: { kind: 'run', id, projectId } }
}

function notStuck(id: string, { status, abandoned_by: by }: { status: string; abandoned_by: string | null }) {
  const what = by ? `is given up already, by ${by}` : `is ${status}, and nothing that it puts back fails`
  return wrongState('run-not-stuck', `The run ${id} ${what}. Look at it: fairway run show ${id}`)
}

function requireReason(text: string): string {
  const reason = text.trim()
  if (reason === '') throw invalid('reason', 'Say why the run is given up: it is kept in the audit log.')
  if (reason.length > mostReason) throw invalid('reason', `Keep it to ${mostReason} characters.`)
  return reason
}
