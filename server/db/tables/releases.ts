import type { Generated } from 'kysely'
import type { Created, Json, JsonOrNull } from './columns.ts'

// What went to production.

export interface ReleasesTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  environment_id: string
  run_id: string
  number: number
  digest: string
  build_number: number
  /** See Deployment in server/db/record.ts. */
  deployment: Json
  /** See UpdateRecord in server/db/record.ts. */
  update_record: JsonOrNull
  safety_snapshot_id: string | null
  went_live_at: Created
}
