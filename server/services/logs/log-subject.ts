import type { ReadLogsRequest } from '../../../proto/gen/fairway/v1/logs_pb.js'
import { marks, startedInVain } from '../../db/run-marks.ts'
import type { Tx } from '../../db/tenancy.ts'
import { invalid, wrongState } from '../../errors.ts'
import { requireBuild } from '../builds/build-views.ts'
import { requireRun } from '../builds/runs.ts'
import { requireEnvironment } from '../environments/environment-views.ts'
import { type LogSubject, streamIds } from './log-segments.ts'

/** Throws `build-not-found`, `run-not-found`, `environment-not-found`, `never-ran`. */
export async function requireSubject(tx: Tx, subject: ReadLogsRequest['subject']): Promise<LogSubject> {
  switch (subject.case) {
    case 'build':
      return await subjectOf(tx, await requireBuild(tx, subject.value))
    case 'runId':
      return await subjectOf(tx, await requireRun(tx, subject.value))
    case 'environment': {
      const { id, project, name, branch } = await requireEnvironment(tx, subject.value)
      const found = { environmentId: id }
      if ((await streamIds(tx, found)).length > 0) return found
      throw wrongState(
        'never-ran',
        `${project}/${name} never ran, so that nothing was logged there. Its builds have logs of their own: ` +
          `fairway build list ${project} --branch ${branch}`,
      )
    }
  }
  throw invalid('subject', 'Name a build, a run or an environment.')
}

async function subjectOf(tx: Tx, run: { id: string; result: string | null }): Promise<LogSubject> {
  const runtimeStreamId = run.result === 'red' ? await streamInVain(tx, run.id) : undefined
  return { runId: run.id, ...(runtimeStreamId && { runtimeStreamId }) }
}

/** What a living one says is its environment's alone. */
async function streamInVain(tx: Tx, runId: string): Promise<string | undefined> {
  const effects = await tx
    .selectFrom('effects')
    .select(['key', 'value'])
    .where('run_id', '=', runId)
    .where('key', 'in', [marks.candidate, marks.keptPreview, marks.keptDropped])
    .execute()
  return startedInVain(new Map(effects.map(({ key, value }) => [key, value])))
}

/** Throws `invalid-step` for one that the subject does not have; a run that has not begun may come to have it. */
export async function requireStep(
  tx: Tx,
  { runId, runtimeStreamId }: LogSubject,
  step: string,
): Promise<void> {
  if (step === '' || (step === 'runtime' && runtimeStreamId)) return
  const known = runId ? [...(await stepsOf(tx, runId)), ...(await trialOf(tx, runId))] : ['runtime']
  if (known.length === 0 || known.includes(step)) return
  throw invalid('step', `It has no step ${JSON.stringify(step)}; it has ${known.join(', ')}.`)
}

async function stepsOf(tx: Tx, runId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('steps')
    .select('name')
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute()
  return rows.map(({ name }) => name)
}

/** What an Odoo that was only tried said is a step of its own, as that of one that was started in vain. */
async function trialOf(tx: Tx, runId: string): Promise<string[]> {
  const stream = await tx
    .selectFrom('log_streams')
    .select('step')
    .where('run_id', '=', runId)
    .where('task_id', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return stream ? [stream.step] : []
}
