import type { Generated } from 'kysely'
import type { Time, TimeOrNull } from './columns.ts'

/** What the servers do from time to time; no tenant's. See server/jobs/. */
export interface JobsTable {
  name: string
  schedule: string
  next_at: Time
  held_by: string | null
  held_until: TimeOrNull
  started_at: TimeOrNull
  ended_at: TimeOrNull
  error: Generated<string>
}
