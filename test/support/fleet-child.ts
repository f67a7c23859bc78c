import { join } from 'node:path'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { openAuthority } from '../../server/fleet/authority.ts'
import { startFleet } from '../../server/fleet/fleet.ts'
import { createLogger } from '../../server/logger.ts'
import { readMasterKey } from '../../server/master-key.ts'
import { createSealer } from '../../server/sealer.ts'

// The agent link of a server as a process of its own, to be killed.
const config = parseConfig(process.env)
const log = createLogger(config.logLevel)
const sealer = createSealer(readMasterKey(config))
const db = await openControlPlaneDatabase(config, sealer, log)
const signals = listenForSignals(db.listenUrl, (error) => log.warn({ err: error }, 'signal connection lost'))
const context = { config, log, db, blobs: createFileBlobs(join(config.dataDir, 'blobs')), signals, sealer }
await startFleet(context, await openAuthority(context))
process.stdout.write('ready\n')
