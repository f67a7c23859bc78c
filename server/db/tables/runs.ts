import type { Generated } from 'kysely'
import type { Created, Json, JsonOrDefault, JsonOrNull, Time, TimeOrNull } from './columns.ts'
import type { Stage } from './projects.ts'

// What runs do: steps, tasks, what they leave.

export type RunStatus =
  | 'queued'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'superseded'
  | 'timed-out'

export type TaskStatus = 'queued' | 'leased' | 'succeeded' | 'failed' | 'cancelled' | 'timed-out'

export type CancelCause = 'user' | 'superseded' | 'system' | 'timeout'

export type Result = 'green' | 'yellow' | 'red'

export type RunKind =
  | 'build'
  | 'start'
  | 'stop'
  | 'destroy'
  | 'lock'
  | 'rehearse'
  | 'inspect'
  | 'promote'
  | 'rollback'
  | 'study'

export interface RunsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  branch_id: string | null
  environment_id: string | null
  kind: RunKind
  number: number | null
  stage: Stage | null
  commit: Generated<string>
  commit_message: Generated<string>
  trigger: 'push' | 'manual' | 'rebuild' | 'system'
  requested_by: string
  /** Of whoever pushed, as the repository's host says. */
  requester_email: Generated<string>
  status: Generated<RunStatus>
  result: Result | null
  reason: Generated<string>
  warnings: Generated<string[]>
  host_id: string | null
  cancel_cause: CancelCause | null
  cancelled_by: string | null
  /** Read by `record` of its kind's definition alone, in its version: server/operations/<kind>/record.ts. */
  record: JsonOrDefault
  record_version: Generated<number>
  manifest_sha256: Generated<string>
  advance_at: TimeOrNull
  /** `advance_at`, as the database itself notes it: what is due is found by this (migrations/0035-due-at.sql). */
  due_at: TimeOrNull
  created_at: Created
  started_at: TimeOrNull
  finished_at: TimeOrNull
  timeout_at: TimeOrNull
  /** See the definition of its kind, server/operations/<kind>/definition.ts. */
  input: JsonOrDefault
  /** Of the login with which it was asked for. */
  requester_issuers: Generated<string[]>
  /** Of a run that a poll began: who pushed, as the delivery said that came after it. Empty: none came. */
  pushed_by: Generated<string>
  /** How often in a row the server could not advance it, and the last reason. */
  setbacks: Generated<number>
  setback: Generated<string>
  /** What keeps it from going on: see RunTrouble in server/db/record.ts. */
  trouble: JsonOrNull
  /** When somebody last wanted it tried again at once. */
  retry_at: TimeOrNull
  abandoned_by: string | null
  abandon_reason: string | null
  /** Of the pipeline that it began with; null: of before they had one. */
  pipeline_version: number | null
}

export interface StepsTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  name: string
  position: number
  status: Generated<RunStatus>
  summary: Generated<string>
  started_at: TimeOrNull
  finished_at: TimeOrNull
  /** See History in server/runs/history.ts. */
  ordinal: number | null
}

export interface TasksTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  step_id: string
  host_id: string
  key: string
  /** Of those with that key; more than 1 only for what puts things back, or tidies up. */
  attempt: Generated<number>
  kind: string
  spec: Json
  output: JsonOrNull
  status: Generated<TaskStatus>
  reason: Generated<string>
  error: Generated<string>
  warnings: Generated<string[]>
  epoch: Generated<number>
  max_attempts: Generated<number>
  timeout_ms: number
  lease_until: TimeOrNull
  timeout_at: TimeOrNull
  log_lines: Generated<number>
  cancel_requested: Generated<boolean>
  always: Generated<boolean>
  created_at: Created
  started_at: TimeOrNull
  finished_at: TimeOrNull
  authorization_id: string | null
  ordinal: number | null
}

export interface EffectsTable {
  organization_id: string
  run_id: string
  key: string
  value: JsonOrNull
  created_at: Created
  ordinal: number | null
  /** See FailedEffect in server/runs/run-state.ts. */
  error: JsonOrNull
}

export interface ArtifactsTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  task_id: string | null
  name: string
  media_type: string
  sha256: string
  size_bytes: number
  created_at: Created
}

export interface LogStreamsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  host_id: string
  run_id: string | null
  task_id: string | null
  epoch: number | null
  environment_id: string | null
  step: Generated<string>
  last_sequence: Generated<number>
  closed: Generated<boolean>
  created_at: Created
}

export interface LogSegmentsTable {
  organization_id: string
  stream_id: string
  first_sequence: number
  last_sequence: number
  first_time: Time
  last_time: Time
  sha256: string
  size_bytes: number
  gaps: JsonOrDefault
  created_at: Created
}
