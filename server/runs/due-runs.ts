import { sql } from 'kysely'
import type { Databases } from '../db/databases.ts'
import { schemaIsKnown } from '../db/schema-version.ts'

export interface DueRun {
  readonly runId: string
  readonly organizationId: string
  readonly projectId: string
  /** 0 goes first: production under way, whose visitors may wait; then what is under way; then what waits to begin. */
  readonly lane: number
}

/** Enough that each of many organizations has one in it. */
const most = 100

/**
 * The runs that are due, of each organization in turn and within it of each project, so that none waits for what another
 * one has due. None where the database is newer than this server.
 */
export async function listDueRuns(db: Databases, except: readonly string[]): Promise<DueRun[]> {
  const { rows } = await sql<DueRun>`
    with due as (
      select id, organization_id, project_id, due_at,
        case when status = 'queued' then 2 when stage = 'production' then 0 else 1 end as lane
      from runs
      where due_at <= now() and id <> all (${except}::uuid[]) and ${schemaIsKnown}
    ), of_projects as (
      select *, row_number() over (partition by lane, project_id order by due_at) as turn from due
    ), of_organizations as (
      select *, row_number() over (partition by lane, organization_id order by turn, due_at) as place from of_projects
    )
    select id as "runId", organization_id as "organizationId", project_id as "projectId", lane
    from of_organizations order by lane, place, due_at limit ${most}`.execute(db.scheduler)
  return rows
}

/** When each organization and project was served last, by a count that only grows. */
export interface Turns {
  /** So many of them, those first that were served longest ago; they are served with that. */
  take(due: readonly DueRun[], count: number): DueRun[]
}

/** The runs that are due are listed anew for each that ends, so that what was served has to be remembered. */
export function createTurns(): Turns {
  const served = new Map<string, number>()
  let clock = 0
  const last = (id: string) => served.get(id) ?? 0
  return {
    take(due, count) {
      const left = [...due]
      const taken: DueRun[] = []
      while (left.length > 0 && taken.length < count) {
        const next = left.reduce((first, one) => (isBefore(one, first, last) ? one : first))
        left.splice(left.indexOf(next), 1)
        taken.push(next)
        for (const id of [next.organizationId, next.projectId]) served.set(id, ++clock)
      }
      forgetOldest(served)
      return taken
    },
  }
}

/** Of two that nothing tells apart, the list's own order holds. */
function isBefore(one: DueRun, other: DueRun, last: (id: string) => number): boolean {
  if (one.lane !== other.lane) return one.lane < other.lane
  const organizations = last(one.organizationId) - last(other.organizationId)
  if (organizations !== 0) return organizations < 0
  return last(one.projectId) < last(other.projectId)
}

const remembered = 10_000

function forgetOldest(served: Map<string, number>): void {
  if (served.size <= remembered) return
  const oldest = [...served].sort(([, a], [, b]) => a - b).slice(0, served.size - remembered)
  for (const [id] of oldest) served.delete(id)
}
