import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'

/** How many repositories a server asks at one time: of all organizations, and of one, whose git server may be slow. */
export const places = { all: 10, organization: 2 }

export interface Due {
  readonly organizationId: string
  readonly projectId: string
}

/**
 * What is due and has a place beside those that are being asked: first of each organization what has waited longest, so that
 * none has to wait for what another one has due.
 */
export async function listDue(
  { db }: Pick<AppContext, 'db'>,
  running: readonly Due[],
): Promise<readonly Due[]> {
  const free = places.all - running.length
  if (free <= 0) return []
  let due = db.scheduler
    .selectFrom('repository_polls')
    .select(['organization_id as organizationId', 'project_id as projectId', 'next_at'])
    .select(sql<number>`row_number() over (partition by organization_id order by next_at)`.as('turn'))
    .where('next_at', '<=', sql<Date>`now()`)
  if (running.length > 0) {
    const asked = running.map(({ projectId }) => projectId)
    due = due.where('project_id', 'not in', asked)
  }
  const full = organizationsAt(places.organization, running)
  if (full.length > 0) due = due.where('organization_id', 'not in', full)
  const rows = await db.scheduler
    .selectFrom(due.as('due'))
    .select(['organizationId', 'projectId'])
    .where('turn', '<=', places.organization)
    .orderBy('turn')
    .orderBy('next_at')
    .execute()
  const chosen: Due[] = []
  for (const row of rows) {
    if (chosen.length === free) break
    if (!organizationsAt(places.organization, [...running, ...chosen]).includes(row.organizationId))
      chosen.push(row)
  }
  return chosen
}

function organizationsAt(most: number, polls: readonly Due[]): string[] {
  const counts = new Map<string, number>()
  for (const { organizationId } of polls) counts.set(organizationId, (counts.get(organizationId) ?? 0) + 1)
  return [...counts].filter(([, count]) => count >= most).map(([organizationId]) => organizationId)
}
