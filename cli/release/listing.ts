import type { Output } from '../output.ts'
import { type Column, oneLine, renderTable } from '../table.ts'

/** What decides how lines for people look. */
export type Look = Pick<Output, 'paint' | 'width'>

const mostRows = 20
const mostNames = 12

/** A table after an empty line, cut to what people read; nothing for no rows. */
export function listing<Row>(
  { paint, width }: Look,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string[] {
  if (rows.length === 0) return []
  const [head = '', ...body] = renderTable(rows.slice(0, mostRows), columns, width)
  const rest = rows.length - mostRows
  return ['', paint('dim', head), ...body, ...(rest > 0 ? [paint('dim', andMore(rest))] : [])]
}

/** Names from elsewhere in one line: `a, b, c … and 14 more (--json has all)`. */
export function nameList(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).map(oneLine).join(', ')
  const rest = names.length - mostNames
  return rest > 0 ? `${shown} ${andMore(rest)}` : shown
}

const andMore = (count: number): string => `… and ${count} more (--json has all)`
