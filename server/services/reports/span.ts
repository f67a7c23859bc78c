import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { formatTime } from '../../../lib/words/times.ts'
import type { ReportSpan } from '../../../proto/gen/fairway/v1/reports_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requireProject } from '../projects/projects.ts'

/** What a report is about: times from `from` on and before `to`, of one project or of all. */
export interface Span {
  readonly from: Date
  readonly to: Date
  readonly projectId: string | undefined
}

const dayMs = 86_400_000
const defaultDays = 30
/** An answer of so many lines is still read in one piece, by programs and by people. */
export const mostLines = 20_000

/**
 * Reads a report's lines, of what the caller may have reports of.
 * Throws `project-not-found`, `permission-denied`, `invalid` naming the field, or `report-too-long` (limit).
 */
export async function readReport<Line>(
  { db }: AppContext,
  caller: Caller,
  wanted: ReportSpan | undefined,
  read: (tx: Tx, span: Span) => Promise<Line[]>,
): Promise<Line[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = wanted?.project ? await requireProject(tx, wanted.project) : undefined
    if (!project && caller.access.role === 'member')
      throw invalid('project', 'Name the project: you have reports of single projects only.')
    await authorize(tx, caller, 'report.read', { projectId: project?.id })
    const span = { ...timesOf(wanted), projectId: project?.id }
    const lines = await read(tx, span)
    if (lines.length <= mostLines) return lines
    throw new DomainError(
      'limit',
      'report-too-long',
      `The report has more than ${mostLines} lines. Ask for a shorter span, or for one project.`,
    )
  })
}

function timesOf(wanted: ReportSpan | undefined): { from: Date; to: Date } {
  const to = dateOf('to', wanted?.to) ?? new Date()
  const from = dateOf('from', wanted?.from) ?? new Date(to.getTime() - defaultDays * dayMs)
  if (from >= to)
    throw invalid('from', `The span begins at ${formatTime(from)}, not before its end at ${formatTime(to)}.`)
  return { from, to }
}

function dateOf(field: 'from' | 'to', time: Timestamp | undefined): Date | undefined {
  if (!time) return undefined
  const date = timestampDate(time)
  // PostgreSQL's own range is wider; years of five digits are slips.
  if (Math.abs(date.getTime()) < Date.UTC(9999, 0)) return date
  throw invalid(field, `\`${field}\` is not a time between the years 0 and 9999.`)
}
