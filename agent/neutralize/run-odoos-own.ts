import { listShort } from '../../lib/words/list-short.ts'
import type { ImageFacts } from '../containers/image-facts.ts'
import { type Limits, odooContainer } from '../containers/odoo-options.ts'
import { type OneOffJudge, runOneOff } from '../containers/one-off.ts'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { findInstalled } from '../odoo/database-contents.ts'
import { plain } from '../plain-text.ts'
import type { AgentServices } from '../services.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import type { OdooCell } from '../tasks/odoo-cell.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { describeFailure, findFailure, type NeutralizationFailure } from './failure.ts'
import { neutralizeScript, runningMark } from './neutralize-script.ts'

interface Asked {
  /** By digest. */
  readonly image: string
  readonly limits: Limits | undefined
}

/**
 * Odoo's own neutralization by an image, which is there from 16 on; before, the agent's own SQL is all.
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
  const container = {
    ...odooContainer({ cell, connection, facts, image, limits, arguments: [] }),
    Cmd: ['python3', '-c', neutralizeScript],
  }
  const { exitCode, failure, files, lastLine } = await runOneOff(
    services.docker,
    context,
    { name: 'neutralize', source: 'odoo', cellId: cell.id, container },
    createJudge,
  )
  if (exitCode === 0) {
    await warnOfMissed(cell, facts, files, context)
    return true
  }
  if (!failure)
    throw new TaskError(
      'neutralize-failed',
      `Odoo could not neutralize the database (exit code ${exitCode}): ${plain(lastLine, 300)}`,
    )
  throw new TaskError('neutralize-failed', describeFailure(failure, neutralityOf(cell).state === 'raw'))
}

/** The image has the file, and Odoo in it looks elsewhere. */
async function warnOfMissed(
  cell: Cell,
  { modules }: ImageFacts,
  files: readonly string[],
  context: TaskContext,
): Promise<void> {
  const found = await withHostileDatabase(cell, findInstalled, { signal: context.signal })
  const installed = new Set(found?.installed)
  const missed = Object.entries(modules).flatMap(([name, { neutralize }]) =>
    neutralize && installed.has(name) && !files.includes(name) ? [name] : [],
  )
  if (missed.length > 0)
    context.warn(
      `Odoo did not find data/neutralize.sql of ${listShort(missed, 10)}, which the image has: is its folder in addons_path?`,
    )
}

interface Ran {
  exitCode: number
  /** Modules whose files were run. */
  files: string[]
  /** Null where the image does not say. */
  failure: NeutralizationFailure | null
  lastLine: string
}

const maxFiles = 5_000

function createJudge(): OneOffJudge<Ran> {
  const ran: Omit<Ran, 'exitCode'> = { files: [], failure: null, lastLine: '' }
  return {
    line(text) {
      if (text.trim()) ran.lastLine = text.slice(0, 500)
      if (text.startsWith(runningMark) && ran.files.length < maxFiles)
        ran.files.push(text.slice(runningMark.length).trim())
      ran.failure = findFailure(text) ?? ran.failure
    },
    finish: ({ exitCode }) => ({ ...ran, exitCode }),
  }
}
