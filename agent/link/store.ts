import { join } from 'node:path'
import { type CheckpointStore, createCheckpointStore } from '../audit/checkpoint-store.ts'
import { createUsedAuthorizations, type UsedAuthorizations } from '../authorization/used.ts'
import { createJournal, type Journal } from './journal.ts'
import { createRedactors, type Redactors } from './redactors.ts'
import { createSpool, type Spool } from './spool.ts'
import { openStateDatabase, stateFile } from './state-database.ts'

/** What the agent keeps on disk for the link, open for as long as the process lives. */
export interface LinkStore {
  readonly journal: Journal
  readonly spool: Spool
  readonly redactors: Redactors
  /** Of the organization's audit log. */
  readonly auditCheckpoints: CheckpointStore
  readonly authorizations: UsedAuthorizations
  close(): void
}

/** One process at a time may have it open. */
export function openLinkStore(
  directory: string,
  spoolLimitBytes: number,
  redactors: Redactors = createRedactors(),
): LinkStore {
  const database = openStateDatabase(join(directory, stateFile))
  const spool = createSpool(database, { limitBytes: spoolLimitBytes })
  return {
    journal: createJournal(database),
    spool,
    auditCheckpoints: createCheckpointStore(directory),
    redactors,
    authorizations: createUsedAuthorizations(database),
    close() {
      spool.close()
      database.close()
    },
  }
}
