import { create } from '@bufbuild/protobuf'
import {
  ApplyModulesOutputSchema,
  type ApplyModulesTask,
  TestReportSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { databaseOptions, odooContainer } from '../containers/odoo-options.ts'
import { runOneOff } from '../containers/one-off.ts'
import { DATABASE, withSuperuser } from '../containers/postgres-client.ts'
import { listInstalledModules, listUnfinishedModules, requireInstalled } from '../odoo/installed-modules.ts'
import { createUpdateLogReader, type UpdateLog } from '../odoo/update-log.ts'
import { findUpdateFailure } from '../odoo/verdict.ts'
import { moduleNamePattern } from '../repository/manifest.ts'
import type { Cell } from '../storage/records.ts'
import { type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

/** `odoo -i … -u …` on a cell, and then the proof that it did what it says. */
export function applyModules(services: OdooCellServices): TaskHandler<'applyModules'> {
  return async (input, context) => {
    requireModuleNames(input)
    const begun = performance.now()
    const { cell, connection, facts } = await prepareOdooCell(
      services,
      input.cellId,
      input.image,
      context.signal,
    )
    if (input.install.length + input.update.length > 0) {
      const { exitCode, log } = await runOneOff(
        services.docker,
        context,
        {
          name: 'update',
          source: 'odoo',
          cellId: cell.id,
          container: odooContainer({
            cell,
            connection,
            facts,
            image: input.image,
            limits: input.resources,
            secrets: await context.secrets(input.secrets),
            arguments: updateArguments(input, facts.odooVersion),
          }),
        },
        createJudge,
      )
      saveReport(log, context)
      const failure = findUpdateFailure(exitCode, log)
      if (failure) throw failure
      const tests = reportTests(input, log, context)
      return create(ApplyModulesOutputSchema, {
        tests,
        durationMs: BigInt(Math.round(performance.now() - begun)),
        installed: await proveInstalled(input, cell, context.signal),
      })
    }
    return create(ApplyModulesOutputSchema, {
      tests: reportTests({ ...input, testTags: '' }, undefined, context),
      durationMs: BigInt(Math.round(performance.now() - begun)),
      installed: await proveInstalled(input, cell, context.signal),
    })
  }
}

function createJudge() {
  const reader = createUpdateLogReader()
  return {
    line: (text: string) => reader.line(text),
    finish: ({ exitCode }: { exitCode: number }) => ({ exitCode, log: reader.finish() }),
  }
}

function requireModuleNames({ install, update, expectInstalled, testTags }: ApplyModulesTask): void {
  const bad = [...install, ...update, ...expectInstalled].find((name) => !moduleNamePattern.test(name))
  if (bad !== undefined)
    throw new TaskError('bad-input', `${JSON.stringify(bad.slice(0, 60))} is no name of a module`)
  if (/[^\w/:.,*+\-[\]]/.test(testTags))
    throw new TaskError('bad-input', `${testTags.slice(0, 100)} are no test tags`)
}

function updateArguments(input: ApplyModulesTask, odooVersion: string): string[] {
  // From 19 on demonstration data is asked for, before it was declined.
  const demoByDefault = Number.parseInt(odooVersion, 10) < 19
  return [
    ...databaseOptions,
    '--no-http',
    '--workers=0',
    '--max-cron-threads=0',
    '--stop-after-init',
    ...(input.install.length > 0 ? [`--init=${input.install.join(',')}`] : []),
    ...(input.update.length > 0 ? [`--update=${input.update.join(',')}`] : []),
    ...(input.demo && !demoByDefault ? ['--with-demo'] : []),
    ...(!input.demo && demoByDefault ? ['--without-demo=all'] : []),
    ...(input.testTags ? [`--test-tags=${input.testTags}`] : []),
  ]
}

async function proveInstalled(input: ApplyModulesTask, cell: Cell, signal: AbortSignal): Promise<string[]> {
  return withSuperuser(
    cell,
    async (database) => {
      await requireInstalled(database, input.expectInstalled)
      const unfinished = await listUnfinishedModules(database)
      if (unfinished.length > 0)
        throw new TaskError(
          'modules-not-installed',
          `Odoo left modules half-way: ${unfinished.slice(0, 10).join(', ')}; see the log for why`,
        )
      return listInstalledModules(database)
    },
    { database: DATABASE, signal },
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

/** A failed task has no output: the report goes with the run as a document. */
function saveReport(log: UpdateLog, context: TaskContext): void {
  if (!log.tests && log.failures.length === 0) return
  const report = { ...log.tests, failures: log.failures }
  context.artifact(
    'tests.json',
    'application/json',
    new TextEncoder().encode(JSON.stringify(report, null, 2)),
  )
}
