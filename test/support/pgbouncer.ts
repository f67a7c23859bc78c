import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, query } from './postgres.ts'
import { waitFor } from './wait-for.ts'

export interface Pooler extends AsyncDisposable {
  /** The given URL, through the pooler. */
  readonly url: string
}

/** Debian's `nobody`: PgBouncer refuses to run as root. */
const nobody = 65_534

/**
 * A PgBouncer in transaction mode before that database, on a port of its own, with fewer connections to it than its
 * clients have. It logs clients in by what PostgreSQL keeps of their passwords, asked for as the owner.
 */
export async function startPgbouncer(ownerUrl: string, poolSize = 4): Promise<Pooler> {
  const database = new URL(ownerUrl)
  const directory = await mkdtemp(join(tmpdir(), 'fairway-pgbouncer-'))
  const port = await freePort()
  const users = join(directory, 'users.txt')
  const settings = join(directory, 'pgbouncer.ini')
  const logFile = join(directory, 'log')
  await writeFile(users, `"${database.username}" "${decodeURIComponent(database.password)}"\n`)
  await writeFile(
    settings,
    `[databases]
* = host=${database.hostname} port=${database.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = ${poolSize}
auth_type = scram-sha-256
auth_file = ${users}
auth_user = ${database.username}
auth_query = select usename, passwd from pg_shadow where usename = $1
server_login_retry = 1
logfile = ${logFile}
`,
  )
  const root = process.getuid?.() === 0
  if (root) for (const path of [directory, users, settings]) await chown(path, nobody, nobody)
  const child = spawn('/usr/sbin/pgbouncer', ['--quiet', settings], {
    stdio: 'ignore',
    ...(root && { uid: nobody, gid: nobody }),
  })
  const exited = once(child, 'exit')
  // Awaited when it is stopped; until then a failed start shows in what is waited for.
  exited.catch(() => undefined)
  const url = new URL(ownerUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await waitFor('PgBouncer to answer', () =>
      query(url.href, 'select 1').then(
        () => true,
        () => false,
      ),
    )
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(
      () => 'it wrote no log; is the package pgbouncer installed?',
    )
    await stop()
    throw new Error(`PgBouncer did not start:\n${log}`, { cause: error })
  }
  return { url: url.href, [Symbol.asyncDispose]: stop }
}
