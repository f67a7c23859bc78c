import { withHostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import type { AgentServices } from '../services.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { type AssertionResult, assertNeutral } from './assertions.ts'
import { findUncovered, type Uncovered } from './coverage.ts'
import type { Wishes } from './rule.ts'

type Services = Pick<AgentServices, 'cells'>

/** Puts on record what production's `database.secret` was (its hash), while the raw copy still has it. */
export async function rememberSecret(
  { cells }: Services,
  cell: Cell,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { state, secretSha256 } = neutralityOf(cell)
  if (state !== 'raw' || secretSha256) return secretSha256
  const sha256 = await readSecretSha256(cell, signal)
  if (!sha256) return undefined
  const noted = await cells.note(
    cell.id,
    (now) => ({ neutrality: { ...neutralityOf(now), secretSha256: sha256 } }),
    signal,
  )
  return noted.neutrality?.secretSha256
}

function readSecretSha256(cell: Cell, signal: AbortSignal): Promise<string | undefined> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const tables = await lookUpOdooTables(database, ['ir_config_parameter'])
      const table = tables.require('ir_config_parameter', 'key', 'value')
      const { rows } = await database.query<{ sha256: string }>(
        `select encode(sha256(convert_to(value, 'UTF8')), 'hex') as sha256 from ${table} where key = 'database.secret'`,
      )
      return rows[0]?.sha256
    },
    { signal },
  )
}

/** Every assertion, and what none of them covers: asked through the gate for hostile databases. */
export function prove(
  cell: Cell,
  wishes: Wishes,
  covered: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{ assertions: AssertionResult[]; uncovered: Uncovered[] }> {
  return withHostileDatabase(
    cell,
    async (database) => ({
      assertions: await assertNeutral(database, wishes),
      uncovered: await findUncovered(database, covered),
    }),
    { signal },
  )
}

/** After the proof, and only then. A crash in between proves again. */
export async function unmark({ cells }: Services, cellId: string, signal: AbortSignal): Promise<void> {
  await cells.note(
    cellId,
    (cell) => {
      const { by: _, ...neutrality } = neutralityOf(cell)
      return neutrality.state === 'free' ? {} : { neutrality: { ...neutrality, state: 'neutral' } }
    },
    signal,
  )
}
