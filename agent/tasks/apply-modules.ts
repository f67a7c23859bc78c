import { create } from '@bufbuild/protobuf'
import {
  ApplyModulesOutputSchema,
  type ApplyModulesTask,
  TestReportSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { readModuleStates } from '../odoo/installed-modules.ts'
import type { UpdateLog } from '../odoo/update-log.ts'
import { moduleNamePattern } from '../repository/manifest.ts'
import type { Cell } from '../storage/records.ts'
import { type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { runUpdate } from './run-update.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

/** `odoo -i … -u …` on a cell, watched if asked, and then the proof that it did what it says. */
export function applyModules(services: OdooCellServices): TaskHandler<'applyModules'> {
  return async (input, context) => {
    requireModuleNames(input)
    const begun = performance.now()
    const prepared = await prepareOdooCell(
      services,
      input.cellId,
      input.image,
      { kind: 'change', taskId: context.taskId, secrets: input.secrets.length > 0 },
      context.signal,
    )
    const asked = input.install.length + input.update.length > 0
    const update = asked ? await runUpdate(services, prepared, input, context) : undefined
    return create(ApplyModulesOutputSchema, {
      tests: reportTests(asked ? input : { ...input, testTags: '' }, update?.log, context),
      durationMs: BigInt(Math.round(performance.now() - begun)),
      installed: await proveInstalled(input, prepared.cell, context.signal),
      ...(update?.observation && { observation: update.observation }),
    })
  }
}

function requireModuleNames({ install, update, expectInstalled, testTags }: ApplyModulesTask): void {
  const bad = [...install, ...update, ...expectInstalled].find((name) => !moduleNamePattern.test(name))
  if (bad !== undefined)
    throw new TaskError('bad-input', `${JSON.stringify(bad.slice(0, 60))} is no name of a module`)
  if (/[^\w/:.,*+\-[\]]/.test(testTags))
    throw new TaskError('bad-input', `${testTags.slice(0, 100)} are no test tags`)
}

async function proveInstalled(input: ApplyModulesTask, cell: Cell, signal: AbortSignal): Promise<string[]> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const modules = await readModuleStates(database)
      modules.requireInstalled(input.expectInstalled)
      const { unfinished } = modules
      if (unfinished.length > 0)
        throw new TaskError(
          'modules-not-installed',
          `Odoo left modules half-way: ${unfinished.slice(0, 10).join(', ')}; see the log for why`,
        )
      return [...modules.installed]
    },
    { signal },
  )
}

function reportTests(input: ApplyModulesTask, log: UpdateLog | undefined, context: TaskContext) {
  const { failed = 0, errors = 0, total = 0 } = log?.tests ?? {}
  if (input.testTags && total === 0)
    context.warn(`no test was run: the tags ${input.testTags} match none of the installed modules' tests`)
  if (total > 0) context.log('fairway', `${total} tests passed`)
  // Zero tests that passed have tested nothing.
  return create(TestReportSchema, { ran: total > 0, total, failed, errors, failures: log?.failures ?? [] })
}
