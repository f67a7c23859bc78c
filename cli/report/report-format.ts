import { extname } from 'node:path'
import { usageError } from '../errors.ts'

const formats = ['table', 'csv', 'html'] as const
export type ReportFormat = (typeof formats)[number] | 'json'

const byEnding: Readonly<Record<string, ReportFormat>> = {
  csv: 'csv',
  html: 'html',
  htm: 'html',
  json: 'json',
  txt: 'table',
}

interface Wanted {
  readonly format?: string
  readonly output?: string
  readonly json?: boolean
}

/**
 * What a report is to look like: as somebody says, else as the file's name says. Throws a usage error, also for a name that
 * promises what no report is.
 */
export function reportFormatOf({ format, output, json }: Wanted): ReportFormat {
  if (json) {
    if (format) throw usageError('--json and --format are two forms; give one.')
    return 'json'
  }
  if (format === undefined) return output === undefined ? 'table' : formatOfFile(output)
  const known = formats.find((each) => each === format)
  if (!known) throw usageError(`--format takes ${formats.join(', ')}; ${format} is none of them.`)
  return known
}

function formatOfFile(file: string): ReportFormat {
  const ending = extname(file).slice(1).toLowerCase()
  // `report.2026-11` says no form.
  if (!/^[a-z][a-z0-9]*$/.test(ending)) return 'table'
  const known = byEnding[ending]
  if (known) return known
  const isPage = /^(pdf|docx?|odt|rtf|ps)$/.test(ending)
  const advice = isPage
    ? 'Write a page (-o report.html) and print it to a file in the browser'
    : 'Name it .html, .csv, .json or .txt, or give --format'
  throw usageError(`No report is written as .${ending}. ${advice}.`)
}
