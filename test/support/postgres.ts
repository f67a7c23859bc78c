import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { type Databases, type DatabaseUrls, openDatabases } from '../../server/db/databases.ts'
import { type RoleNames, roleNames, rolePasswords, roleUrls } from '../../server/db/roles.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { waitFor } from './wait-for.ts'

export interface TestDatabase {
  /** As the owner: sees all tenants. For arranging and for looking behind the server's back. */
  readonly ownerUrl: string
  /** The master key (base64) whose derived passwords the roles have. */
  readonly masterKey: string
  readonly databases: Databases
  /** As the roles that the server works as. */
  readonly urls: DatabaseUrls
  /** Everything the server's parts are given, on this database, with blobs in a temporary folder. */
  readonly context: AppContext
  /** Ends its connections and leaves it there. */
  disconnect(): Promise<void>
  close(): Promise<void>
}

const log = createLogger(process.env.FAIRWAY_TEST_LOG ?? 'silent')

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Made by global-setup.ts. */
export const templateDatabase = 'fairway_template'

/**
 * A migrated control-plane database of its own for a test file: a copy of the template on the PostgreSQL that
 * global-setup.ts started. Of `template0` it is an empty one.
 */
export async function startTestDatabase(template = templateDatabase): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await query(requireEnv('FAIRWAY_TEST_DATABASE_URL'), `create database ${name} template ${template}`)
  return await openTestDatabase(name, templateRoles())
}

/** One that is there, as those roles; they have the test run's passwords, or go with another master key (base64). */
export async function openTestDatabase(
  name: string,
  roles: RoleNames,
  masterKey = requireEnv('FAIRWAY_TEST_MASTER_KEY'),
): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-test-'))
  const adminUrl = requireEnv('FAIRWAY_TEST_DATABASE_URL')
  const sealer = createSealer(Buffer.from(masterKey, 'base64'))
  const ownerUrl = withPath(adminUrl, name)
  const own = roleUrls(ownerUrl, roles, rolePasswords(sealer))
  const urls = { ...own, listen: own.app }
  const databases = openDatabases(urls, () => undefined)
  const signals = listenForSignals(databases.listenUrl, () => undefined)
  const config = parseConfig({
    FAIRWAY_DATA_DIR: directory,
    DATABASE_URL: ownerUrl,
    FAIRWAY_MASTER_KEY: masterKey,
  })
  const sessions =
    'select from pg_stat_activity where datname = current_database() and usename = any ($1::text[])'
  const names = Object.values(roles)
  let disconnected: Promise<void> | undefined
  const disconnect = () => {
    disconnected ??= (async () => {
      await signals.close()
      await databases.close()
      await waitFor(
        'the sessions to end',
        async () => (await query(ownerUrl, sessions, [names])).length === 0,
      )
      await rm(directory, { recursive: true, force: true })
    })()
    return disconnected
  }
  return {
    ownerUrl,
    masterKey,
    databases,
    urls,
    context: {
      config,
      log,
      db: databases,
      blobs: createFileBlobs(join(directory, 'blobs')),
      signals,
      sealer,
    },
    disconnect,
    async close() {
      await disconnect()
      await query(adminUrl, `drop database ${name} with (force)`)
    },
  }
}

/** Of the template's installation: its copies have the same master key, and share them. */
export const templateRoles = () => roleNames(requireEnv('FAIRWAY_TEST_ROLE_SUFFIX'))

export function requireEnv(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run the tests with vitest, whose global set-up sets it`)
  return value
}

function withPath(url: string, database: string): string {
  const next = new URL(url)
  next.pathname = `/${database}`
  return next.href
}

/** Runs one statement as whoever the URL says. */
export async function query<Row = Record<string, unknown>>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text, values)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** Writes a row as whoever the URL says; gives its id. */
export async function insert(url: string, table: string, row: Record<string, unknown>): Promise<string> {
  const columns = Object.keys(row)
  const places = columns.map((_, index) => `$${index + 1}`)
  const text = `insert into ${table} (${columns}) values (${places}) returning id`
  return (await query<{ id: string }>(url, text, Object.values(row)))[0]!.id
}

/** An organization without members, made behind the server's back; gives its id. */
export const createOrganization = (database: TestDatabase, name: string): Promise<string> =>
  insert(database.ownerUrl, 'organizations', { name })
