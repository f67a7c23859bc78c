import { formatTime } from '../../../lib/words/times.ts'
import { ReportService } from '../../../proto/gen/fairway/v1/reports_pb.js'
import { type AccessJson, accessJson } from '../../json/report.ts'
import { printReport, type ReportOptions, reportOptions } from '../../report/print.ts'
import { auditCheck, type Report } from '../../report/report.ts'
import { verb } from '../../verb.ts'

export const command = verb<ReportOptions>({
  usage: 'access',
  summary: 'Report who could do what: roles, grants, sessions and tokens, ended ones too',
  examples: [
    ['fairway report access --from 90d --project acme', 'who could reach one project in the last quarter'],
    ['fairway report access --format csv -o access.csv', 'for a spreadsheet'],
  ],
  configure: reportOptions,
  async run(session, _, options) {
    const client = await session.client(ReportService)
    return await printReport(session, options, async (span) => {
      const { lines } = await client.reportAccess({ span }, { signal: session.signal })
      return reportOf(lines.map(accessJson))
    })
  },
})

const reportOf = (rows: readonly AccessJson[]): Report<AccessJson> => ({
  title: 'Access',
  about:
    'Roles, grants, sessions and tokens that were in force at some time in the span, with when they began and ended. ' +
    'Without an end: in force still, or until it is taken away.',
  columns: [
    { key: 'member', title: 'Member', value: (row) => row.member },
    { key: 'kind', title: 'Kind', value: (row) => row.kind },
    { key: 'project', title: 'Project', value: (row) => row.project ?? '' },
    { key: 'what', title: 'What', value: (row) => row.what },
    { key: 'given_by', title: 'Given by', value: (row) => row.givenBy ?? '' },
    { key: 'from', title: 'From', value: (row) => row.from ?? '', short: (row) => formatTime(row.from) },
    { key: 'until', title: 'Until', value: (row) => row.until ?? '', short: (row) => formatTime(row.until) },
    {
      key: 'last_used_at',
      title: 'Last used',
      value: (row) => row.lastUsedAt ?? '',
      short: (row) => formatTime(row.lastUsedAt),
    },
  ],
  rows,
  alerts: [],
  checks: [
    ['fairway audit list --action member.', 'who gave and took what, event by event'],
    ['fairway access explain MEMBER PROJECT ENVIRONMENT PERMISSION', 'which rule decides today'],
    auditCheck,
  ],
})
