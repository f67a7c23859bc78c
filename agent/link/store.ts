import { join } from 'node:path'
import { createJournal, type Journal } from './journal.ts'
import { createRedactor, type Redactor } from './redactor.ts'
import { createSpool, type Spool } from './spool.ts'
import { openStateDatabase } from './state-database.ts'
import { createStreamLog, type StreamLog } from './stream-log.ts'

/** What the agent keeps on disk for the link, open for as long as the process lives. */
export interface LinkStore {
  readonly journal: Journal
  readonly spool: Spool
  readonly redactor: Redactor
  /** For lines that belong to no task: the output of a running environment. */
  streamLog(streamId: string): StreamLog
  close(): void
}

/** One process at a time may have it open. */
export function openLinkStore(directory: string, spoolLimitBytes: number): LinkStore {
  const database = openStateDatabase(join(directory, 'state.db'))
  const spool = createSpool(database, { limitBytes: spoolLimitBytes })
  const redactor = createRedactor()
  return {
    journal: createJournal(database),
    spool,
    redactor,
    streamLog: (streamId) => createStreamLog(spool, redactor, streamId),
    close() {
      spool.close()
      database.close()
    },
  }
}
