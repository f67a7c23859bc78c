import { stripVTControlCharacters } from 'node:util'
import { wrapWords } from './wrap-words.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  /** Decorates the text once it has its width. */
  readonly paint?: (text: string, row: Row) => string
  readonly align?: 'right'
  /** Stays on one line, its spaces included: what people copy, and times. */
  readonly whole?: boolean
}

const gap = 2
/** Two details on a line. */
const between = ' · '
/** Shorter texts are read at a glance, and stay on a line. */
const foldedFrom = 20

/** As `renderRows`, one line after the other, the head first. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Infinity,
): string[] {
  const { head, rows: lines } = renderRows(rows, columns, width)
  return [head, ...lines.flat()]
}

/**
 * Lines of a table no wider than `width`, and nothing of it is cut: prose is folded between words, and where words alone
 * are too wide, columns stand below their row, by name, the rightmost first. Names, ids and addresses are words, and whole.
 */
export function renderRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Infinity,
): { head: string; rows: string[][] } {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))))
  const sizes = columns.map((column, index) =>
    sizeOf(
      column,
      cells.map((line) => line[index] ?? ''),
    ),
  )
  const beside = sizes.map((_, index) => index)
  while (beside.length > 1 && total(beside.map((index) => sizes[index]?.least ?? 0)) > width) {
    const prose = beside.findLastIndex((index) => index > 0 && isProse(sizes[index]))
    beside.splice(prose > 0 ? prose : -1, 1)
  }
  const widths = shrink(
    beside.flatMap((index) => sizes[index] ?? []),
    width,
  )

  const lineOf = (texts: readonly string[], row?: Row): string =>
    beside
      .map((index, at) => {
        const [text = '', size = 0, column] = [texts[index], widths[at], columns[index]]
        const padded = column?.align === 'right' ? text.padStart(size) : text.padEnd(size)
        return row !== undefined && column?.paint && text !== ''
          ? padded.replace(text, () => column.paint?.(text, row) ?? text)
          : padded
      })
      .join(' '.repeat(gap))
      .trimEnd()

  function linesOf(row: Row, texts: readonly string[]): string[] {
    const folded = texts.map((text, index) => {
      const at = beside.indexOf(index)
      return at < 0
        ? []
        : wrapWords(text, columns[index]?.whole ? Infinity : Math.min(widths[at] ?? 0, width))
    })
    const height = Math.max(1, ...folded.map((lines) => lines.length))
    const lines = Array.from({ length: height }, (_, at) =>
      lineOf(
        folded.map((each) => each[at] ?? ''),
        row,
      ),
    )
    const below = columns.flatMap(({ title, paint, whole }, index) => {
      const text = texts[index] ?? ''
      if (beside.includes(index) || text === '') return []
      return [
        {
          text: `${title.toLowerCase()}: ${text}`,
          whole,
          paint: (line: string) => paint?.(line, row) ?? line,
        },
      ]
    })
    return [...lines, ...packed(below, width - gap).map((line) => ' '.repeat(gap) + line)]
  }

  return {
    head: lineOf(columns.map(({ title }) => title)),
    rows: rows.map((row, index) => linesOf(row, cells[index] ?? [])),
  }
}

interface Detail {
  readonly text: string
  readonly whole: boolean | undefined
  readonly paint: (line: string) => string
}

/** Lines of details: short ones share a line, prose is folded, and what is copied has a line of its own. */
function packed(details: readonly Detail[], width: number): string[] {
  const lines: string[] = []
  let room = 0
  for (const { text, whole, paint } of details) {
    const needed = between.length + text.length
    if (!whole && needed <= room) {
      lines.push(`${lines.pop()}${between}${paint(text)}`)
      room -= needed
    } else {
      // A terminal that breaks a line by itself still lets it be copied in one piece.
      lines.push(...wrapWords(text, whole ? Infinity : width).map(paint))
      room = whole || text.length > width ? 0 : width - text.length
    }
  }
  return lines
}

interface Size {
  readonly natural: number
  /** Without breaking a word. */
  readonly least: number
}

function sizeOf<Row>({ title, whole }: Column<Row>, texts: readonly string[]): Size {
  const natural = longest([title, ...texts])
  if (whole || natural <= foldedFrom) return { natural, least: natural }
  return {
    natural,
    least: Math.max(foldedFrom, longest([title, ...texts.flatMap((text) => text.split(' '))])),
  }
}

const isProse = (size: Size | undefined): boolean => size !== undefined && size.least < size.natural
const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length))
const total = (widths: readonly number[]): number => widths.reduce((sum, each) => sum + each + gap, -gap)

/** The widest gives way first. */
function shrink(sizes: readonly Size[], width: number): number[] {
  const widths = sizes.map(({ natural }) => natural)
  for (let excess = total(widths) - width; excess > 0; excess--) {
    const spare = widths.map((each, at) => (each > (sizes[at]?.least ?? 0) ? each : 0))
    const widest = spare.indexOf(Math.max(...spare))
    if (!spare[widest]) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
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
