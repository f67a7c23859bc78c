import { formatDuration } from '../../../lib/words/durations.ts'
import { formatTime } from '../../../lib/words/times.ts'
import { ReportService } from '../../../proto/gen/fairway/v1/reports_pb.js'
import { type ReleaseJson, releaseJson } from '../../json/report.ts'
import { printReport, type ReportOptions, reportOptions } from '../../report/print.ts'
import { auditCheck, evidenceCheck, type Report } from '../../report/report.ts'
import { verb } from '../../verb.ts'

export const command = verb<ReportOptions>({
  usage: 'releases',
  summary: 'Report what went to production: by whom, on whose approval, with how much evidence',
  examples: [
    ['fairway report releases --from 2026-11-01 --to 2026-11-30', 'a month, both days included'],
    ['fairway report releases --from 365d -o releases.html', 'a page to print and file'],
  ],
  configure: reportOptions,
  async run(session, _, options) {
    const client = await session.client(ReportService)
    return await printReport(session, options, async (span) => {
      const { releases } = await client.reportReleases({ span }, { signal: session.signal })
      return reportOf(releases.map(releaseJson))
    })
  },
})

const reportOf = (rows: readonly ReleaseJson[]): Report<ReleaseJson> => ({
  title: 'Releases',
  about:
    'Every build that was let at production and ended in the span, also those that failed there. ' +
    'Builds that were refused or ended before they changed anything are not listed.',
  columns: [
    {
      key: 'finished_at',
      title: 'Finished',
      value: (row) => row.finishedAt ?? '',
      short: (row) => formatTime(row.finishedAt),
    },
    { key: 'build', title: 'Build', value: nameOf, whole: true },
    {
      key: 'commit',
      title: 'Commit',
      value: (row) => row.commit ?? '',
      short: (row) => (row.commit ?? '').slice(0, 10),
    },
    {
      key: 'digest',
      title: 'Digest',
      value: (row) => row.digest ?? '',
      short: (row) => (row.digest ?? '').slice(7, 19),
    },
    { key: 'requested_by', title: 'Requested by', value: (row) => row.requestedBy },
    {
      key: 'authorized_by',
      title: 'Authorized by',
      value: (row) => row.authorizedBy ?? '',
      short: (row) => `${row.authorizedBy ?? 'not on record'}${row.reviewOpen ? ' (review open)' : ''}`,
    },
    { key: 'outcome', title: 'Outcome', value: (row) => row.outcome },
    {
      key: 'duration_ms',
      title: 'Took',
      value: (row) => String(row.durationMs),
      short: took,
      align: 'right',
    },
    { key: 'statements', title: 'Statements', value: (row) => String(row.statements), align: 'right' },
    { key: 'review_open', value: (row) => (row.reviewOpen ? 'yes' : 'no') },
    { key: 'approval_id', value: (row) => row.approvalId ?? '' },
    { key: 'run_id', value: (row) => row.runId },
  ],
  rows,
  alerts: rows
    .filter(({ reviewOpen }) => reviewOpen)
    .map((row) => `${nameOf(row)} went live through ${row.authorizedBy}; nobody has closed its review.`),
  checks: [evidenceCheck, auditCheck],
})

const nameOf = (row: ReleaseJson) => `${row.project}/${row.build}`
const took = (row: ReleaseJson) => formatDuration(row.durationMs)
