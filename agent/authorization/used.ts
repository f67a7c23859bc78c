import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from '../link/state-database.ts'
import { TaskError } from '../tasks/task.ts'

export interface Use {
  readonly jti: string
  readonly taskId: string
  readonly epoch: number
  readonly specSha256: string
}

/** Authorizations that this host has accepted: each is good for one task, done once. On disk when a method returns. */
export interface UsedAuthorizations {
  /**
   * Uses it up for this task; the same again is fine for as long as the task is not done: a task may be delivered and run
   * more than once.
   *
   * @throws TaskError `authorization-used`
   */
  use(use: Use, nowMs: number): void
  /** The task is done: from now on only the same dispatch of it may go on to report that. */
  complete(use: Pick<Use, 'jti' | 'epoch'>): void
  /** Forgets those that have long ended by themselves. */
  purge(usedBeforeMs: number): void
}

interface Row {
  task_id: string
  spec_sha256: string
  done_epoch: number | null
}

export function createUsedAuthorizations(database: DatabaseSync): UsedAuthorizations {
  database.exec(`create table if not exists authorizations (
    jti text primary key,
    task_id text not null,
    spec_sha256 text not null,
    used_at integer not null,
    -- The dispatch under which the task was done.
    done_epoch integer
  ) strict, without rowid`)
  const select = database.prepare('select task_id, spec_sha256, done_epoch from authorizations where jti = ?')
  const insert = database.prepare(
    'insert into authorizations (jti, task_id, spec_sha256, used_at) values (?, ?, ?, ?)',
  )
  const complete = database.prepare(
    'update authorizations set done_epoch = ? where jti = ? and done_epoch is null',
  )
  const purge = database.prepare('delete from authorizations where used_at < ?')
  return {
    use({ jti, taskId, epoch, specSha256 }, nowMs) {
      inTransaction(database, () => {
        const row = select.get(jti) as unknown as Row | undefined
        if (!row) return void insert.run(jti, taskId, specSha256, nowMs)
        if (row.task_id !== taskId || row.spec_sha256 !== specSha256)
          throw used('it was used for another task already')
        if (row.done_epoch !== null && row.done_epoch !== epoch)
          throw used('the task it is for was done already')
      })
    },
    complete({ jti, epoch }) {
      complete.run(epoch, jti)
    },
    purge(usedBeforeMs) {
      purge.run(usedBeforeMs)
    },
  }
}

const used = (why: string) =>
  new TaskError('authorization-used', `The authorization for changing production is refused: ${why}`)
