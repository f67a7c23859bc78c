import { formatTime } from '../../../lib/words/times.ts'
import { ReportService } from '../../../proto/gen/fairway/v1/reports_pb.js'
import { type RestoreJson, restoreJson } from '../../json/report.ts'
import { printReport, type ReportOptions, reportOptions } from '../../report/print.ts'
import { auditCheck, evidenceCheck, type Report } from '../../report/report.ts'
import { verb } from '../../verb.ts'

export const command = verb<ReportOptions>({
  usage: 'restores',
  summary: 'Report every time data was put back, and to which point in time',
  examples: [['fairway report restores --from 365d -o restores.html', 'a year, as a page to print and file']],
  configure: reportOptions,
  async run(session, _, options) {
    const client = await session.client(ReportService)
    return await printReport(session, options, async (span) => {
      const { restores } = await client.reportRestores({ span }, { signal: session.signal })
      return reportOf(restores.map(restoreJson))
    })
  },
})

const reportOf = (rows: readonly RestoreJson[]): Report<RestoreJson> => ({
  title: 'Restores',
  about:
    'Every time an earlier state of an environment’s data was put back in the span, and every time that failed. ' +
    'What was written between the point in time and the restore is not in the environment any more.',
  columns: [
    { key: 'at', title: 'At', value: (row) => row.at ?? '', short: (row) => formatTime(row.at) },
    { key: 'environment', title: 'Environment', value: (row) => `${row.project}/${row.environment ?? ''}` },
    {
      key: 'restored_to',
      title: 'Restored to',
      value: (row) => row.restoredTo ?? '',
      short: (row) => formatTime(row.restoredTo),
    },
    {
      key: 'build',
      title: 'Build',
      value: (row) => (row.build ? `${row.project}/${row.build}` : ''),
      whole: true,
    },
    { key: 'reason', title: 'Reason', value: (row) => row.reason ?? '' },
    { key: 'outcome', title: 'Outcome', value: (row) => row.outcome },
    { key: 'authorized_by', title: 'Authorized by', value: (row) => row.authorizedBy ?? '' },
    { key: 'run_id', value: (row) => row.runId },
  ],
  rows,
  alerts: rows
    .filter(({ outcome }) => !outcome.startsWith('succeeded'))
    .map(
      (row) => `the restore of ${row.project}/${row.environment} at ${formatTime(row.at)} did not succeed.`,
    ),
  checks: [evidenceCheck, auditCheck],
})
