import type { BlobStore } from './blobs/store.ts'
import type { Config } from './config.ts'
import type { Databases } from './db/databases.ts'
import type { Signals } from './db/signals.ts'
import type { Logger } from './logger.ts'
import type { Sealer } from './sealer.ts'

/** What every part of the server is given. */
export interface AppContext {
  readonly config: Config
  readonly log: Logger
  readonly db: Databases
  readonly blobs: BlobStore
  readonly signals: Signals
  readonly sealer: Sealer
}
