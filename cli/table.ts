import { stripVTControlCharacters } from 'node:util'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  /** Decorates the text once it has its width. */
  readonly paint?: (text: string, row: Row) => string
  readonly align?: 'right'
  /** Never cut, however narrow the terminal: what people copy. */
  readonly whole?: boolean
}

const gap = 2
const narrowest = 6

/** Lines of a table no wider than `width` where that can be had by cutting; the widest columns are cut first. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Infinity,
): string[] {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  )
  shrink(widths, columns, width)
  const render = (texts: readonly string[], row?: Row) =>
    columns
      .map((column, index) => {
        const size = widths[index] ?? 0
        const text = cut(texts[index] ?? '', size)
        const padded = column.align === 'right' ? text.padStart(size) : text.padEnd(size)
        return row !== undefined && column.paint
          ? padded.replace(text, () => column.paint?.(text, row) ?? text)
          : padded
      })
      .join(' '.repeat(gap))
      .trimEnd()
  return [
    render(columns.map(({ title }) => title)),
    ...rows.map((row, index) => render(cells[index] ?? [], row)),
  ]
}

function shrink(widths: number[], columns: readonly { readonly whole?: boolean }[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each + gap, -gap) - width
  while (excess > 0) {
    const candidates = widths.map((each, index) => (columns[index]?.whole || each <= narrowest ? 0 : each))
    const widest = candidates.indexOf(Math.max(...candidates))
    if (!candidates[widest]) return
    widths[widest] = (widths[widest] ?? 0) - 1
    excess--
  }
}

export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** Without what would move a terminal's cursor or turn text around; colours, tabs and line ends stay. */
export const printable = (text: string): string =>
  text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
    /(\u001b\[[0-9;]*m)|[\p{Bidi_Control}[\p{Cc}--[\t\n]]]/gv,
    (_, colour?: string) => colour ?? '\u{FFFD}',
  )

/** Text from elsewhere may hold line ends and terminal commands. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
