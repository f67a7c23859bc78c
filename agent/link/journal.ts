import type { DatabaseSync } from 'node:sqlite'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type Offer,
  OfferSchema,
  type TaskResult,
  TaskResultSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { forgetOverwritten, inTransaction } from './state-database.ts'

export interface Ref {
  readonly taskId: string
  readonly epoch: number
}

export type JournalState = 'accepted' | 'finished' | 'closed'

export interface JournalEntry extends Ref {
  readonly state: JournalState
  readonly acceptedAtMs: number
  /** Why the task was cancelled; survives a restart. */
  readonly cancelReason: string | undefined
}

/** Something a task left for its result: a warning (name is the text) or an artifact. */
export interface Finding {
  readonly kind: 'warning' | 'artifact'
  readonly name: string
  readonly mediaType: string
  readonly content: Uint8Array
}

/**
 * What the agent answers for, across restarts. One row for each task, at its newest epoch. Every method that writes
 * returns once it is on disk, and throws (see isDiskFault) leaving the journal as it was.
 */
export interface Journal {
  find(taskId: string): JournalEntry | undefined
  offerOf(taskId: string): Offer
  /** Takes a task on; replaces an older epoch of it with everything that epoch left. */
  accept(offer: Offer, nowMs: number): void
  requestCancel(ref: Ref, reason: string): void
  checkpoint(ref: Ref, name: string): { value: unknown } | undefined
  saveCheckpoint(ref: Ref, name: string, value: unknown): void
  /** The same kind and name again replaces. */
  saveFinding(ref: Ref, finding: Finding): void
  findings(ref: Ref): Finding[]
  finish(result: TaskResult): void
  /**
   * Acknowledged or fenced: nothing left to do. What the task left, passwords among it, is on the disk no more. Unknown and
   * newer epochs are left alone.
   */
  close(ref: Ref, nowMs: number): void
  /** Accepted and finished ones: what Hello and lease renewals name. */
  listOpen(): JournalEntry[]
  unacknowledgedResults(): TaskResult[]
  /** Forgets what was closed before then. */
  purge(closedBeforeMs: number): void
}

interface TaskRow {
  task_id: string
  epoch: number
  state: JournalState
  accepted_at: number
  cancel_reason: string | null
}

const entryOf = (row: TaskRow): JournalEntry => ({
  taskId: row.task_id,
  epoch: row.epoch,
  state: row.state,
  acceptedAtMs: row.accepted_at,
  cancelReason: row.cancel_reason ?? undefined,
})

export function createJournal(database: DatabaseSync): Journal {
  const columns = 'task_id, epoch, state, accepted_at, cancel_reason'
  const select = database.prepare(`select ${columns} from tasks where task_id = ?`)
  const selectOffer = database.prepare('select offer from tasks where task_id = ?')
  const selectOpen = database.prepare(
    `select ${columns} from tasks where state <> 'closed' order by accepted_at, task_id`,
  )
  const selectResults = database.prepare(
    `select result from tasks where state = 'finished' order by accepted_at, task_id`,
  )
  const insert = database.prepare(
    `insert into tasks (task_id, epoch, state, offer, accepted_at) values (?, ?, 'accepted', ?, ?)
     on conflict (task_id) do update set epoch = excluded.epoch, state = 'accepted', offer = excluded.offer,
       accepted_at = excluded.accepted_at, result = null, cancel_reason = null, closed_at = null`,
  )
  const cancel = database.prepare(
    `update tasks set cancel_reason = ? where task_id = ? and epoch = ? and state = 'accepted'`,
  )
  const finish = database.prepare(
    `update tasks set state = 'finished', result = ? where task_id = ? and epoch = ? and state = 'accepted'`,
  )
  const close = database.prepare(
    `update tasks set state = 'closed', closed_at = ?, result = null, offer = x''
     where task_id = ? and epoch = ? and state <> 'closed'`,
  )
  const purge = database.prepare(`delete from tasks where state = 'closed' and closed_at < ?`)
  const selectCheckpoint = database.prepare(
    'select value from checkpoints where task_id = ? and epoch = ? and name = ?',
  )
  const insertCheckpoint = database.prepare(
    'insert or replace into checkpoints (task_id, epoch, name, value) values (?, ?, ?, ?)',
  )
  const insertFinding = database.prepare(
    'insert or replace into findings (task_id, epoch, kind, name, media_type, content) values (?, ?, ?, ?, ?, ?)',
  )
  const selectFindings = database.prepare(
    'select kind, name, media_type, content from findings where task_id = ? and epoch = ? order by rowid',
  )
  const deleteCheckpoints = database.prepare('delete from checkpoints where task_id = ?')
  const deleteFindings = database.prepare('delete from findings where task_id = ?')

  return {
    find(taskId) {
      const row = select.get(taskId) as TaskRow | undefined
      return row && entryOf(row)
    },
    offerOf(taskId) {
      const row = selectOffer.get(taskId) as { offer: Uint8Array } | undefined
      if (!row) throw new Error(`The journal has no task ${taskId}`)
      return fromBinary(OfferSchema, row.offer)
    },
    accept(offer, nowMs) {
      const { taskId, epoch } = offer.task!
      inTransaction(database, () => {
        deleteCheckpoints.run(taskId)
        deleteFindings.run(taskId)
        insert.run(taskId, epoch, toBinary(OfferSchema, offer), nowMs)
      })
    },
    requestCancel(ref, reason) {
      cancel.run(reason, ref.taskId, ref.epoch)
    },
    checkpoint(ref, name) {
      const row = selectCheckpoint.get(ref.taskId, ref.epoch, name) as { value: string | null } | undefined
      return row && { value: row.value === null ? undefined : JSON.parse(row.value) }
    },
    saveCheckpoint(ref, name, value) {
      insertCheckpoint.run(ref.taskId, ref.epoch, name, JSON.stringify(value) ?? null)
    },
    saveFinding(ref, { kind, name, mediaType, content }) {
      insertFinding.run(ref.taskId, ref.epoch, kind, name, mediaType, content)
    },
    findings(ref) {
      const rows = selectFindings.all(ref.taskId, ref.epoch) as unknown as {
        kind: Finding['kind']
        name: string
        media_type: string
        content: Uint8Array
      }[]
      return rows.map((row) => ({
        kind: row.kind,
        name: row.name,
        mediaType: row.media_type,
        content: row.content,
      }))
    },
    finish(result) {
      const { taskId, epoch } = result.task!
      finish.run(toBinary(TaskResultSchema, result), taskId, epoch)
    },
    close(ref, nowMs) {
      const closed = inTransaction(database, () => {
        const { changes } = close.run(nowMs, ref.taskId, ref.epoch)
        if (changes === 0) return false
        deleteCheckpoints.run(ref.taskId)
        deleteFindings.run(ref.taskId)
        return true
      })
      if (closed) forgetOverwritten(database)
    },
    listOpen: () => (selectOpen.all() as unknown as TaskRow[]).map(entryOf),
    unacknowledgedResults: () =>
      (selectResults.all() as unknown as { result: Uint8Array }[]).map((row) =>
        fromBinary(TaskResultSchema, row.result),
      ),
    purge(closedBeforeMs) {
      purge.run(closedBeforeMs)
    },
  }
}
