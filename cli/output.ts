import { type Field, renderFields } from './fields.ts'
import type { Settings } from './settings.ts'
import { type Paint, painter } from './style.ts'
import { type Column, printable, renderTable } from './table.ts'

/** Standard output in one of two forms: JSON for programs, text for people. */
export interface Output {
  readonly json: boolean
  readonly paint: Paint
  readonly isTerminal: boolean
  /** Columns of the terminal; infinite where it is none, and with --wide. */
  readonly width: number
  line(text?: string): void
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
  const width = isTerminal && !wide ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY
  // Programs get what there is, terminals nothing that could make them show something else.
  const line = (text = '') => void process.stdout.write(`${isTerminal ? printable(text) : text}\n`)
  const paint = painter(settings.colour)
  return {
    json,
    paint,
    isTerminal,
    width,
    line,
    printJson: (value) => line(JSON.stringify(value, null, 2)),
    printJsonLine: (value) => line(JSON.stringify(value)),
    list(rows, columns, empty) {
      if (json) return line(JSON.stringify(rows, null, 2))
      if (rows.length === 0) return void process.stderr.write(`${empty}\n`)
      const [head = '', ...body] = renderTable(rows, columns, width)
      line(paint('dim', head))
      for (const text of body) line(text)
    },
    fields(fields) {
      for (const text of renderFields(paint, fields)) line(printable(text))
    },
    note: (text) => void process.stderr.write(`${printable(text)}\n`),
  }
}
