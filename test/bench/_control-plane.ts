import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { openDatabases } from '../../server/db/databases.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { roleUrls } from '../../server/db/roles.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { freePort, query, type TestDatabase } from '../support/postgres.ts'

export interface BenchPostgres {
  readonly directory: string
  /** Makes a database of that name, and answers how its owner reaches it. */
  createDatabase(name: string): Promise<string>
}

/** PostgreSQL as it comes with Fairway: with its durability, unlike that of the tests. */
export async function startBenchPostgres(open: AsyncDisposableStack): Promise<BenchPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-bench-'))
  open.defer(() => rm(directory, { recursive: true, force: true }))
  const log = createLogger('silent')
  const settings = { dataDir: directory, port: await freePort(), password: 'bench', log }
  const postgres = await startEmbeddedPostgres(settings)
  open.defer(() => postgres.stop())
  return {
    directory,
    async createDatabase(name) {
      await query(postgres.ownerUrl, `create database ${name}`)
      const url = new URL(postgres.ownerUrl)
      url.pathname = `/${name}`
      return url.href
    },
  }
}

/** What the server's parts are given, on a database that is migrated for it. It closes with `open`. */
export async function openControlPlane(
  ownerUrl: string,
  directory: string,
  open: AsyncDisposableStack,
): Promise<TestDatabase> {
  const passwords = { app: 'bench', scheduler: 'bench' }
  const { names } = (await migrate(ownerUrl, passwords)).roles
  const own = roleUrls(ownerUrl, names, passwords)
  const urls = { ...own, listen: own.app }
  const databases = openDatabases(urls, () => undefined)
  open.defer(() => databases.close())
  const signals = listenForSignals(databases.listenUrl, () => undefined)
  open.defer(() => signals.close())
  const masterKey = randomBytes(32)
  const context: AppContext = {
    config: parseConfig({ FAIRWAY_DATA_DIR: directory }),
    log: createLogger('silent'),
    db: databases,
    blobs: createFileBlobs(join(directory, randomUUID())),
    signals,
    sealer: createSealer(masterKey),
  }
  const close = async () => undefined
  const key = masterKey.toString('base64')
  return { ownerUrl, urls, databases, masterKey: key, context, disconnect: close, close }
}
