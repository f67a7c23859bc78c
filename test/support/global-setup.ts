import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { rolePasswords } from '../../server/db/roles.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { makeFormerRoles } from './former-database.ts'
import { freePort, query, templateDatabase } from './postgres.ts'

// Nobody needs these data after a crash of the machine, and each file at work has some pools.
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '150', scram_iterations: '1' }

/** One PostgreSQL for the whole run, with a migrated database that each test file's own is a copy of. */
export default async function setUp(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-tests-'))
  const masterKey = randomBytes(32).toString('base64')
  const sealer = createSealer(Buffer.from(masterKey, 'base64'))
  const postgres = await startEmbeddedPostgres({
    dataDir: directory,
    port: await freePort(),
    password: 'test',
    log: createLogger('silent'),
    settings,
  })
  // Hashed anew, with as little work: tests connect thousands of times.
  await query(postgres.ownerUrl, `alter role fairway_owner password 'test'`)
  await query(postgres.ownerUrl, `create database ${templateDatabase}`)
  const url = new URL(postgres.ownerUrl)
  url.pathname = `/${templateDatabase}`
  await migrate(url.href, rolePasswords(sealer))
  const [installation] = await query<{ role_suffix: string }>(
    url.href,
    'select role_suffix from installation',
  )
  process.env.FAIRWAY_TEST_ROLE_SUFFIX = installation?.role_suffix
  await makeFormerRoles(postgres.ownerUrl, rolePasswords(sealer))
  process.env.FAIRWAY_TEST_DATABASE_URL = postgres.ownerUrl
  process.env.FAIRWAY_TEST_MASTER_KEY = masterKey
  return async () => {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
