import { create } from '@bufbuild/protobuf'
import { ApplyModulesOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import { type TaskContext, TaskError } from './task.ts'

type Services = Pick<AgentServices, 'cells'>

/** What an update leaves half-way is between two states, with contents that nobody knows: on record before it begins. */
export async function beginUpdate({ cells }: Services, cellId: string, context: TaskContext): Promise<void> {
  const { taskId: by, signal } = context
  await cells.note(
    cellId,
    ({ dirty }) => ({
      contents: undefined,
      dirty: { why: 'update', since: dirty?.since ?? new Date().toISOString(), by },
    }),
    signal,
  )
}

/**
 * Odoo comes to its end where only tests failed. Outside of production, where nothing is put back, such data are whole once
 * `prove` says so, and the server hears of it: people may want to look at what the tests saw.
 *
 * @throws the failure, whatever comes of it.
 */
export async function settleFailedTests(
  { cells }: Services,
  { id, stage }: Cell,
  failure: unknown,
  context: TaskContext,
  prove: () => Promise<unknown>,
): Promise<never> {
  const onlyTests = failure instanceof TaskError && failure.reason === 'tests-failed'
  if (!onlyTests || stage === 'production') throw failure
  // What keeps it from being proved leaves it dirty, and says nothing of the tests.
  const proved = await prove().then(
    () => true,
    () => false,
  )
  if (proved) {
    await cells.note(id, () => ({ dirty: undefined }), context.signal)
    context.found({ case: 'applyModules', value: create(ApplyModulesOutputSchema, { dataWhole: true }) })
  }
  throw failure
}
