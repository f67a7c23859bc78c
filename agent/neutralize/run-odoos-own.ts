import { databaseOptions, type Limits, odooContainer } from '../containers/odoo-options.ts'
import { runOneOff } from '../containers/one-off.ts'
import { createUpdateLogReader } from '../odoo/update-log.ts'
import type { AgentServices } from '../services.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { OdooCell } from '../tasks/odoo-cell.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'

import { explainFailure, type NeutralizationFailure } from './explain-failure.ts'

interface Asked {
  /** By digest. */
  readonly image: string
  readonly limits: Limits | undefined
}

/**
 * `odoo neutralize` of an image, which is there from 16 on; before, the agent's own SQL is all.
 *
 * @returns whether it ran.
 * @throws TaskError `neutralize-failed` that names the module, its file and statement, and what PostgreSQL said.
 */
export async function runOdoosOwn(
  services: Pick<AgentServices, 'docker'>,
  { cell, connection, facts }: OdooCell,
  { image, limits }: Asked,
  context: TaskContext,
): Promise<boolean> {
  if (Number.parseInt(facts.odooVersion, 10) < 16) {
    context.warn(`Odoo ${facts.odooVersion} cannot neutralize: what modules of its own hold stays as it is`)
    return false
  }
  const spec = { cell, connection, facts, image, limits }
  const container = odooContainer({ ...spec, arguments: ['neutralize', ...databaseOptions] })
  const { exitCode, log } = await runOneOff(
    services.docker,
    context,
    { name: 'neutralize', source: 'odoo', cellId: cell.id, container },
    createJudge,
  )
  if (exitCode === 0) return true
  const failure = await explainFailure(services, context, spec)
  if (!failure)
    throw new TaskError(
      'neutralize-failed',
      `Odoo could not neutralize the database (exit code ${exitCode}): ${log.exception ?? log.lastLine}`,
    )
  throw new TaskError('neutralize-failed', describe(failure, neutralityOf(cell).state === 'raw'))
}

function createJudge() {
  const reader = createUpdateLogReader()
  return {
    line: (text: string) => reader.line(text),
    finish: ({ exitCode }: { exitCode: number }) => ({ exitCode, log: reader.finish() }),
  }
}

/** @param ofProduction the image is the one that production runs. */
export function describe(
  { module, error, statement, line }: NeutralizationFailure,
  ofProduction: boolean,
): string {
  const file = `${module}/data/neutralize.sql`
  const place = line > 0 ? `${file}, line ${line}` : file
  return [
    `Odoo could not neutralize the database: ${place}: ${error}`,
    statement && ` (in: ${statement})`,
    ofProduction
      ? '. Production runs this version of it: correct it and release that, without a rehearsal, which fails in the same way.'
      : '. Correct the file and push again.',
  ].join('')
}
