import { type Field, renderFields } from './fields.ts'
import { foldText } from './fold-text.ts'
import type { Settings } from './settings.ts'
import { type Paint, painter } from './style.ts'
import { type Column, printable, renderTable } from './table.ts'
import { terminalWidth } from './terminal-width.ts'

/** Standard output in one of two forms: JSON for programs, text for people. */
export interface Output {
  readonly json: boolean
  readonly paint: Paint
  readonly isTerminal: boolean
  /** Columns of the terminal; infinite where it is none, and with --wide. */
  readonly width: number
  /** A line or more for people, folded between words where the terminal is narrower. */
  line(text?: string): void
  /** What is parsed or copied as it is: documents, keys, scripts. */
  verbatim(text: string): void
  /** Pretty for a whole answer. */
  printJson(value: unknown): void
  /** One object a line, for streams. */
  printJsonLine(value: unknown): void
  /** A JSON array, or a table; `empty` says what to do where there is nothing. */
  list<Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): void
  /** Names and values below each other; those without a value are left out. */
  fields(fields: readonly Field[]): void
  /** To standard error, for people only: progress and hints. */
  note(text: string): void
}

export function createOutput(settings: Settings, json: boolean, wide = false): Output {
  const isTerminal = process.stdout.isTTY === true
  const width = wide ? Number.POSITIVE_INFINITY : terminalWidth(process.stdout)
  // Programs get what there is, terminals nothing that could make them show something else.
  const verbatim = (text: string) => void process.stdout.write(`${isTerminal ? printable(text) : text}\n`)
  const line = (text = '') => verbatim(foldText(text, width))
  const paint = painter(settings.colour)
  return {
    json,
    paint,
    isTerminal,
    width,
    line,
    verbatim,
    printJson: (value) => verbatim(JSON.stringify(value, null, 2)),
    printJsonLine: (value) => verbatim(JSON.stringify(value)),
    list(rows, columns, empty) {
      if (json) return verbatim(JSON.stringify(rows, null, 2))
      if (rows.length === 0) return tell(empty, wide)
      const [head = '', ...body] = renderTable(rows, columns, width)
      verbatim(paint('dim', head))
      for (const text of body) verbatim(text)
    },
    fields(fields) {
      for (const text of renderFields(paint, fields, width)) verbatim(text)
    },
    note: (text) => tell(text, wide),
  }
}

/** To standard error, for people. */
export function tell(text: string, wide = false): void {
  const width = wide ? Number.POSITIVE_INFINITY : terminalWidth(process.stderr)
  process.stderr.write(`${printable(foldText(text, width))}\n`)
}
