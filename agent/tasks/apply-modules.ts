import { create } from '@bufbuild/protobuf'
import { moduleNamePattern } from '../../lib/repository/module-name.ts'
import { listShort } from '../../lib/words/list-short.ts'
import {
  ApplyModulesOutputSchema,
  type ApplyModulesTask,
  TestReportSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { describeContents, findInstalled } from '../odoo/database-contents.ts'
import { readModuleStates } from '../odoo/installed-modules.ts'
import { newContents } from '../odoo/new-contents.ts'
import type { UpdateLog } from '../odoo/update-log.ts'
import type { Cell } from '../storage/records.ts'
import { beginUpdate, settleFailedTests } from './between-states.ts'
import { type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { contentsBefore, requireGone, warnOfLost } from './planned-database.ts'
import { replaceDefaultPasswords } from './replace-default-passwords.ts'
import { runUpdate } from './run-update.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

/**
 * `odoo -i … -u …` on a cell, watched if asked, and then the proof that it did what it says. Nothing is done where the
 * database is another than the one that was planned for; what it holds afterwards goes on the cell's record.
 */
export function applyModules(services: OdooCellServices): TaskHandler<'applyModules'> {
  return async (input, context) => {
    requireModuleNames(input)
    const { cellId } = input
    const begun = performance.now()
    const prepared = await prepareOdooCell(
      services,
      cellId,
      input.image,
      { kind: 'change', taskId: context.taskId, secrets: input.secrets.length > 0 },
      context.signal,
    )
    const before = await contentsBefore(prepared.cell, input.plannedFrom, context)
    const asked = input.install.length + input.update.length + input.renames.length > 0
    if (asked) await beginUpdate(services, cellId, context)
    const update = asked
      ? await runUpdate(services, prepared, input, context).catch((error) =>
          settleFailedTests(services, prepared.cell, error, context, () =>
            proveInstalled(input, prepared.cell, context.signal),
          ),
        )
      : undefined
    const { modules, after } = await proveInstalled(input, prepared.cell, context.signal)
    warnOfLost(before, after, input, context)
    const contents = asked ? newContents(input, before, after.installed) : (before.contents ?? undefined)
    if (asked) await services.cells.note(cellId, () => ({ contents, dirty: undefined }), context.signal)
    const firstPasswords = input.firstPassword ? await replaceDefaultPasswords(services, cellId, context) : {}
    return create(ApplyModulesOutputSchema, {
      tests: reportTests(asked ? input : { ...input, testTags: '' }, update?.log, context),
      durationMs: BigInt(Math.round(performance.now() - begun)),
      installed: [...modules.installed],
      contents: describeContents(after, contents),
      ...(update?.observation && { observation: update.observation }),
      ...firstPasswords,
    })
  }
}

function requireModuleNames(input: ApplyModulesTask): void {
  const { install, update, expectInstalled, expectGone, renames, testTags } = input
  const renamed = renames.flatMap(({ from, to }) => [from, to])
  const bad = [...install, ...update, ...expectInstalled, ...expectGone, ...renamed].find(
    (name) => !moduleNamePattern.test(name),
  )
  if (bad !== undefined)
    throw new TaskError('bad-input', `${JSON.stringify(bad.slice(0, 60))} is no name of a module`)
  if (/[^\w/:.,*+\-[\]]/.test(testTags))
    throw new TaskError('bad-input', `${testTags.slice(0, 100)} are no test tags`)
}

async function proveInstalled(input: ApplyModulesTask, cell: Cell, signal: AbortSignal) {
  return withHostileDatabase(
    cell,
    async (database) => {
      const modules = await readModuleStates(database)
      const after = (await findInstalled(database)) ?? { installed: [], chosen: [], misnamed: 0 }
      requireGone(input.expectGone, after.installed)
      modules.requireInstalled(input.expectInstalled)
      const { unfinished } = modules
      if (unfinished.length > 0)
        throw new TaskError(
          'modules-not-installed',
          `Odoo left modules half-way: ${listShort(unfinished, 10)}. They are in the database, and cannot be as they are in this ` +
            'commit: not installable by their manifest, for another series of Odoo, or without something that they depend on. ' +
            'Mend their manifests, or uninstall them first (in Apps).',
        )
      return { modules, after }
    },
    { signal },
  )
}

function reportTests(input: ApplyModulesTask, log: UpdateLog | undefined, context: TaskContext) {
  const { failed = 0, errors = 0, total = 0 } = log?.tests ?? {}
  if (input.testTags && total === 0)
    context.warn(
      `no test was run: the tags ${input.testTags} match none of the installed modules' tests; ` +
        'mend them at `tests` in fairway.yaml, where `tests: false` runs none',
    )
  if (total > 0) context.log('fairway', `${total} tests passed`)
  // Zero tests that passed have tested nothing.
  return create(TestReportSchema, { ran: total > 0, total, failed, errors, failures: log?.failures ?? [] })
}
