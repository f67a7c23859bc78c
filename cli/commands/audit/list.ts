import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { formatMoment } from '../../../lib/words/times.ts'
import { AuditService } from '../../../proto/gen/fairway/v1/audit_pb.js'
import { usageError } from '../../errors.ts'
import { type AuditEventJson, auditEventJson } from '../../json/audit.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { parseSpan } from '../../report/span.ts'
import { verb } from '../../verb.ts'

/** As many as the server gives at once. */
const mostEvents = 1000

interface Options {
  readonly project?: string
  readonly actor?: string
  readonly action?: string
  readonly from?: string
  readonly to?: string
  readonly before?: string
  readonly limit?: string
}

export const command = verb<Options>({
  usage: 'list',
  summary: 'List what was changed, by whom and when, the newest first',
  details: 'For a second at most an event is pending: it is not in the tree yet, and has no index.',
  examples: [
    ['fairway audit list --project acme --limit 20', 'the latest of a project'],
    ['fairway audit list --actor member:ana --from 7d', 'what ana did in the last week'],
    ['fairway audit list --action build. --from 2026-11-01 --to 2026-11-30', 'builds started, cancelled, …'],
  ],
  configure: (command) =>
    addLimit(
      command
        .option('--project <project>', 'of this project only')
        .option('--actor <actor>', 'by this one only: member:ana, host:…, github, scheduler')
        .option('--action <action>', 'an action, or its beginning')
        .option('--from <time>', 'a day, a time, or how long ago (7d)')
        .option('--to <time>', 'the same; a day is part of the span')
        .option('--before <index>', 'older than this one, to go on from the last one listed'),
      mostEvents,
    ),
  async run(session, _, options) {
    const { project = '', actor = '', action = '', from, to } = options
    const span = parseSpan({ from: from ?? '1970-01-01', to })
    const limit = limitOf(options, mostEvents)
    const before = options.before === undefined ? undefined : indexOf(options.before)
    const client = await session.client(AuditService)
    const { events } = await client.listAuditEvents(
      {
        project,
        actor,
        action,
        from: from === undefined ? undefined : timestampFromDate(span.from),
        to: to === undefined ? undefined : timestampFromDate(span.to),
        limit,
        before,
      },
      { signal: session.signal },
    )
    session.out.list<AuditEventJson>(
      events.map(auditEventJson),
      [
        {
          title: 'INDEX',
          value: ({ index }) => (index === null ? 'pending' : String(index)),
          align: 'right',
        },
        { title: 'AT', value: ({ at }) => formatMoment(at), whole: true },
        { title: 'ACTOR', value: ({ actor }) => actor, whole: true },
        { title: 'ACTION', value: ({ action }) => action, whole: true },
        { title: 'SUBJECT', value: ({ subject }) => `${subject.kind} ${subject.id}` },
        { title: 'DETAILS', value: ({ details }) => summaryOf(details) },
      ],
      'No event fits. A longer span: --from 365d',
    )
    return undefined
  },
})

/** `name=value`, the simple ones. */
const summaryOf = (details: Record<string, unknown>): string =>
  Object.entries(details)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

function indexOf(text: string): bigint {
  if (/^\d{1,15}$/.test(text)) return BigInt(text)
  throw usageError(`--before takes the index of an event; ${JSON.stringify(text)} is none.`)
}
