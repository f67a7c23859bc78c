import { writeFile } from 'node:fs/promises'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Command } from 'commander'
import { formatTime } from '../../lib/words/times.ts'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import type { ReportSpanSchema } from '../../proto/gen/fairway/v1/reports_pb.js'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { renderTable } from '../table.ts'
import { renderCsv } from './csv.ts'
import { renderPage } from './page.ts'
import type { Origin, Report } from './report.ts'
import { type ReportFormat, reportFormatOf } from './report-format.ts'
import { parseSpan } from './span.ts'

export interface ReportOptions {
  readonly from?: string
  readonly to?: string
  readonly project?: string
  readonly format?: string
  readonly output?: string
  readonly json?: boolean
}

export const reportOptions = (command: Command): Command =>
  command
    .option('--from <time>', 'a day (2026-11-01), a time, or how long ago (30d); default: 30d before --to')
    .option('--to <time>', 'the same; a day is part of the span; default: now')
    .option('--project <project>', 'of this project only')
    .option(
      '--format <format>',
      'table, csv or html; default: as the name of --output ends (.html, .csv, .json, .txt), else table',
    )
    .option('-o, --output <file>', 'write to a file')

/** What every report has in common: span, form, and where it goes. `ask` gets the rows from the server. */
export async function printReport<Row>(
  session: Session,
  options: ReportOptions,
  ask: (span: MessageInitShape<typeof ReportSpanSchema>) => Promise<Report<Row>>,
): Promise<undefined> {
  const format = reportFormatOf(options)
  const { from, to } = parseSpan(options)
  const { project = '', output } = options
  const report = await ask({ from: timestampFromDate(from), to: timestampFromDate(to), project })
  const text = await render(session, format, report, { project, from, to, output })
  if (output === undefined) return void process.stdout.write(text)
  try {
    await writeFile(output, text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CliError(exitCodes.failure, `The report cannot be written: ${why}`, { cause: error })
  }
  session.out.note(`${report.title}: ${report.rows.length} lines, written to ${output}`)
}

async function render<Row>(
  session: Session,
  format: ReportFormat,
  report: Report<Row>,
  wanted: Pick<Origin, 'project' | 'from' | 'to'> & Pick<ReportOptions, 'output'>,
): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report.rows, null, 2)}\n`
    case 'csv':
      return renderCsv(report)
    case 'table':
      return tableOf(session, report, wanted)
    case 'html': {
      const client = await session.client(IdentityService)
      const { organization, member } = await client.whoAmI({}, { signal: session.signal })
      const { server } = session
      return renderPage(report, { ...wanted, organization, server, madeAt: new Date(), madeBy: member })
    }
  }
}

function tableOf<Row>(
  { out }: Session,
  { columns, rows, alerts }: Report<Row>,
  { from, to, output }: Pick<Origin, 'from' | 'to'> & Pick<ReportOptions, 'output'>,
): string {
  for (const alert of alerts) out.note(out.paint('red', alert))
  if (rows.length === 0) {
    out.note(`Nothing from ${formatTime(from)} to ${formatTime(to)}. A longer span: --from 365d`)
    return ''
  }
  const shown = columns.flatMap(({ title, value, short, align, whole }) =>
    title ? [{ title: title.toUpperCase(), value: short ?? value, align, whole }] : [],
  )
  // A file has no width, and shows no colours.
  const isFile = output !== undefined
  const [head = '', ...body] = renderTable(rows, shown, isFile ? undefined : out.width)
  return [isFile ? head : out.paint('dim', head), ...body, ''].join('\n')
}
