import { create } from '@bufbuild/protobuf'
import { CheckSchema, NeutralizeOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ImageFacts } from '../containers/image-facts.ts'
import { databaseOptions, odooContainer } from '../containers/odoo-options.ts'
import { runOneOff } from '../containers/one-off.ts'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { type AssertionResult, assertNeutral } from '../odoo/neutral-assertions.ts'
import { findUncovered, type Uncovered } from '../odoo/neutral-coverage.ts'
import { createUpdateLogReader } from '../odoo/update-log.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import { type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

/** Makes a clone harmless, and proves it by asking the data. Never a production cell, whoever asks. */
export function neutralize(
  services: OdooCellServices & Pick<AgentServices, 'pool'>,
): TaskHandler<'neutralize'> {
  return async (input, context) => {
    await refuseProduction(services, input.cellId)
    const { cell, connection, facts } = await prepareOdooCell(
      services,
      input.cellId,
      input.image,
      context.signal,
    )
    const { exitCode, log } = await runOneOff(
      services.docker,
      context,
      {
        name: 'neutralize',
        source: 'odoo',
        cellId: cell.id,
        container: odooContainer({
          cell,
          connection,
          facts,
          image: input.image,
          limits: input.resources,
          arguments: ['neutralize', ...databaseOptions],
        }),
      },
      createJudge,
    )
    if (exitCode !== 0)
      throw new TaskError(
        'neutralize-failed',
        `Odoo could not neutralize the database (exit code ${exitCode}): ${log.exception ?? log.lastLine}`,
      )
    if (!input.assert) return create(NeutralizeOutputSchema, {})
    const { assertions, uncovered } = await examine(cell, facts, input.coveredModules, context.signal)
    report(assertions, uncovered, context)
    requirePassed(assertions)
    return create(NeutralizeOutputSchema, {
      assertions: assertions.map((result) =>
        create(CheckSchema, { ...result, durationMs: BigInt(result.durationMs) }),
      ),
      uncoveredModules: uncovered.map(({ module }) => module),
    })
  }
}

async function refuseProduction({ pool }: Pick<AgentServices, 'pool'>, cellId: string): Promise<void> {
  const { stage } = await pool.requireCell(cellId)
  if (stage === 'production')
    throw new TaskError(
      'production-protected',
      `cell ${cellId} is a production cell: it is never neutralized`,
    )
}

function createJudge() {
  const reader = createUpdateLogReader()
  return {
    line: (text: string) => reader.line(text),
    finish: ({ exitCode }: { exitCode: number }) => ({ exitCode, log: reader.finish() }),
  }
}

function examine(cell: Cell, facts: ImageFacts, coveredModules: readonly string[], signal: AbortSignal) {
  const shipping = Object.entries(facts.modules).filter(([, { neutralize: ships }]) => ships)
  const covered = new Set([...shipping.map(([name]) => name), ...coveredModules])
  return withHostileDatabase(
    cell,
    async (database) => ({
      assertions: await assertNeutral(database),
      uncovered: await findUncovered(database, covered),
    }),
    { signal },
  )
}

function report(assertions: AssertionResult[], uncovered: Uncovered[], context: TaskContext): void {
  for (const { name, passed, detail } of assertions)
    context.log('fairway', `${passed ? 'passed' : 'FAILED'}: ${name}${detail ? ` (${detail})` : ''}`)
  if (uncovered.length > 0)
    context.warn(
      `these modules hold credentials or endpoints and ship no data/neutralize.sql: ${uncovered
        .map(({ module, holds }) => `${module} (${holds.slice(0, 3).join(', ')})`)
        .join('; ')}`,
    )
  const document = JSON.stringify({ assertions, uncovered }, null, 2)
  context.artifact('neutralization.json', 'application/json', new TextEncoder().encode(document))
}

function requirePassed(assertions: AssertionResult[]): void {
  const failed = assertions.filter(({ passed }) => !passed)
  if (assertions.length === 0)
    throw new TaskError(
      'not-neutralized',
      'the database holds nothing that could prove its neutralization: is it Odoo’s?',
    )
  if (failed.length === 0) return
  const first = failed[0]!
  const more = failed.length > 1 ? `, and ${failed.length - 1} more` : ''
  throw new TaskError(
    'not-neutralized',
    `the database could still reach the outside world: ${first.name} – ${first.detail}${more}`,
  )
}
