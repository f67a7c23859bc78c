import { join } from 'node:path'
import { type CheckpointStore, createCheckpointStore } from '../audit/checkpoint-store.ts'
import { createUsedAuthorizations, type UsedAuthorizations } from '../authorization/used.ts'
import { createJournal, type Journal } from './journal.ts'
import { createLogSink, type LogSink } from './log-sink.ts'
import { createRedactor, type Redactor } from './redactor.ts'
import { createSpool, type Spool } from './spool.ts'
import { openStateDatabase } from './state-database.ts'

/** What the agent keeps on disk for the link, open for as long as the process lives. */
export interface LinkStore {
  readonly journal: Journal
  readonly spool: Spool
  readonly redactor: Redactor
  /** Of the organization's audit log. */
  readonly auditCheckpoints: CheckpointStore
  /** For every line, of tasks and of running environments alike. */
  readonly sink: LogSink
  readonly authorizations: UsedAuthorizations
  close(): void
}

/** One process at a time may have it open. */
export function openLinkStore(
  directory: string,
  spoolLimitBytes: number,
  redactor: Redactor = createRedactor(),
): LinkStore {
  const database = openStateDatabase(join(directory, 'state.db'))
  const spool = createSpool(database, { limitBytes: spoolLimitBytes })
  return {
    journal: createJournal(database),
    spool,
    auditCheckpoints: createCheckpointStore(directory),
    redactor,
    sink: createLogSink(spool, redactor),
    authorizations: createUsedAuthorizations(database),
    close() {
      spool.close()
      database.close()
    },
  }
}
