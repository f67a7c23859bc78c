import { type HostileDatabase, isTimeout, quoteIdentifier } from '../database/hostile-database.ts'
import type { TableFacts } from './catalog.ts'

/** Rows of a table, counted or (`exact: false`) guessed; null when nobody knows. Plain JSON. */
export interface Count {
  table: string
  rows: number | null
  exact: boolean
}

export interface CountBudget {
  /** For all tables together. */
  totalMs: number
  /** For one statement. */
  statementMs: number
}

export interface RowChange {
  table: string
  before: number
  after: number
}

/** Small tables are counted together: most of an Odoo's 600 are a page or none. */
const together = 100
const smallBytes = 4 * 1024 ** 2

/**
 * Counts rows, smallest tables first, many small ones with one statement, until the budget is spent; the others are
 * guessed as the planner would.
 */
export async function countRows(
  database: HostileDatabase,
  tables: readonly TableFacts[],
  budget: CountBudget,
): Promise<Count[]> {
  const deadline = performance.now() + budget.totalMs
  const counts: Count[] = []
  for (const batch of batchesOf(tables.filter(({ partitioned }) => !partitioned))) {
    const leftMs = Math.floor(Math.min(budget.statementMs, deadline - performance.now()))
    const rows = leftMs > 0 ? await countBatch(database, batch, leftMs) : undefined
    for (const [index, { name, estimatedRows }] of batch.entries()) {
      const exact = rows?.[index]
      counts.push({ table: name, rows: exact ?? estimatedRows, exact: exact !== undefined })
    }
  }
  return counts
}

/** Numbers of the batch's tables in its order; undefined when it took too long. */
async function countBatch(
  database: HostileDatabase,
  batch: readonly TableFacts[],
  timeoutMs: number,
): Promise<number[] | undefined> {
  const each = batch.map(({ name }) => `(select count(*)::float8 from only public.${quoteIdentifier(name)})`)
  try {
    const { rows } = await database.query<{ counts: number[] }>(
      `select array[${each.join(', ')}] as counts`,
      [],
      { statementMs: timeoutMs },
    )
    return rows[0]?.counts
  } catch (error) {
    if (isTimeout(error)) return undefined
    throw error
  }
}

function batchesOf(tables: readonly TableFacts[]): TableFacts[][] {
  const bySize = tables.toSorted((a, b) => a.bytes - b.bytes)
  const firstLarge = bySize.findIndex(({ bytes }) => bytes > smallBytes)
  const small = firstLarge < 0 ? bySize : bySize.slice(0, firstLarge)
  const batches: TableFacts[][] = []
  for (let start = 0; start < small.length; start += together)
    batches.push(small.slice(start, start + together))
  return [...batches, ...bySize.slice(small.length).map((table) => [table])]
}

/**
 * Tables whose number of rows changed, most first; one that was not there has had none. A table that was guessed once is
 * compared by guesses, or not at all where there was none, and is named in `estimated`.
 */
export function compareCounts(
  before: { counts: readonly Count[]; tables: readonly TableFacts[] },
  after: { counts: readonly Count[]; tables: readonly TableFacts[] },
): { changes: RowChange[]; estimated: string[] } {
  const old = sideOf(before)
  const now = sideOf(after)
  const changes: RowChange[] = []
  const estimated: string[] = []
  for (const table of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(table) ?? none, now.get(table) ?? none]
    const exact = was.exact && is.exact
    if (!exact) estimated.push(table)
    const [from, to] = exact ? [was.rows, is.rows] : [was.guess, is.guess]
    if (from !== null && to !== null && from !== to) changes.push({ table, before: from, after: to })
  }
  return {
    changes: changes.toSorted((a, b) => sizeOf(b) - sizeOf(a) || (a.table < b.table ? -1 : 1)),
    estimated: estimated.toSorted(),
  }
}

const none = { rows: 0, exact: true, guess: 0 }
const sizeOf = ({ before, after }: RowChange) => Math.abs(after - before)

function sideOf({ counts, tables }: { counts: readonly Count[]; tables: readonly TableFacts[] }) {
  const guesses = new Map(tables.map(({ name, estimatedRows }) => [name, estimatedRows]))
  return new Map(
    counts.map(({ table, rows, exact }) => [table, { rows, exact, guess: guesses.get(table) ?? null }]),
  )
}
