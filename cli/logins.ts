import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseUrl } from '../lib/addresses/parse-url.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** A token for one server. */
export interface Login {
  readonly token: string
  /** Made by `fairway login`, and so to be ended by `fairway logout`; a token that was given stays valid. */
  readonly session?: boolean
}

/** What `fairway login` has kept. */
export interface Logins {
  /** Of the last login, also once one has logged out there: no other server takes its place by itself. */
  readonly current: string
  /** By the server's origin. */
  readonly servers: Readonly<Record<string, Login>>
}

/** Undefined where there are none. Throws where the file is damaged. */
export async function readLogins(path: string): Promise<Logins | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
  const kept = parseLogins(text)
  if (!kept)
    throw new CliError(exitCodes.failure, `${path} is damaged. Run \`fairway login\` to write it anew.`)
  return kept
}

type Written = Partial<Logins> & { readonly server?: string } & Partial<Login>

function parseLogins(text: string): Logins | undefined {
  try {
    const { current, servers, server, token, session } = JSON.parse(text) as Written
    // One server and its token, as they were once kept, and as the demo leaves them.
    if (server !== undefined) return toLogins(server, { [server]: { token: token ?? '', session } })
    return current === undefined || servers === undefined ? undefined : toLogins(current, servers)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function toLogins(current: string, servers: Record<string, Login>): Logins | undefined {
  const entries = Object.entries(servers).map(([server, { token, session }]) => {
    const login: Login = { token, ...(session === true && { session }) }
    return [parseUrl(server)?.origin, login] as const
  })
  const origin = parseUrl(current)?.origin
  const isWhole = entries.every(([server, { token }]) => server && typeof token === 'string' && token !== '')
  return origin && isWhole ? { current: origin, servers: Object.fromEntries(entries) } : undefined
}

/** Keeps a login beside those of other servers, and makes its server the current one. A damaged file is written anew. */
export async function keepLogin(path: string, server: string, login: Login): Promise<void> {
  const { servers } = (await readLogins(path).catch(ignoreDamage)) ?? { servers: {} }
  await writeLogins(path, { current: server, servers: { ...servers, [server]: login } })
}

/** Forgets the login of one server; gives what it was. With a damaged file everything in it goes. */
export async function forgetLogin(path: string, server: string): Promise<Login | undefined> {
  const kept = await readLogins(path).catch(ignoreDamage)
  if (!kept) {
    await rm(path, { force: true })
    return undefined
  }
  const { [server]: login, ...servers } = kept.servers
  if (login) await writeLogins(path, { current: kept.current, servers })
  return login
}

function ignoreDamage(error: unknown): undefined {
  if (!(error instanceof CliError)) throw error
}

async function writeLogins(path: string, logins: Logins): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.${process.pid}`
  await writeFile(aside, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 })
  await rename(aside, path)
}
