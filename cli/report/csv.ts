import type { Report } from './report.ts'

/**
 * RFC 4180: CRLF, quotes where they are needed, a first line of names. Spreadsheets take a cell that begins like a
 * formula for one and run it, so such a cell gets an apostrophe in front, as OWASP advises ("CSV Injection").
 */
export function renderCsv<Row>({ columns, rows }: Report<Row>): string {
  const lines = [columns.map(({ key }) => key), ...rows.map((row) => columns.map(({ value }) => value(row)))]
  return lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')
}

/** Also the full-width forms, and behind blanks, which some spreadsheets read over. */
const formula = /^\s*[=+\-@＝＋－＠\t\r\n]/

function cell(text: string): string {
  const harmless = formula.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
