import { fileURLToPath } from 'node:url'
import { parseUrl } from '../lib/addresses/parse-url.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readLogins } from './logins.ts'
import type { Settings } from './settings.ts'

export interface Credentials {
  readonly server: string
  readonly token: string
}

/** Whom a command speaks to and as whom, and what says so. */
export interface Found {
  readonly server: string
  /** In words: `--server`, `FAIRWAY_SERVER`, the last login … */
  readonly serverFrom: string
  readonly token?: string
  readonly tokenFrom?: string
  /** Other servers that one is logged in to. */
  readonly others: readonly string[]
}

export const defaultServer = 'http://127.0.0.1:7080'

// Bundled it is at another depth: dist/cli/.
const checkout = import.meta.url.endsWith('.ts') ? '../' : '../../'

/** Where the demo of this checkout leaves its own; used where nothing else is given. */
const checkoutFile = fileURLToPath(new URL(`${checkout}.fairway/credentials.json`, import.meta.url))

export interface Given {
  readonly server?: string
  readonly token?: string
}

/**
 * The server: from the options, the environment, the last login, the demo of the checkout, in this order. The token: from the
 * options, the environment, else what is kept for that very server. Who has logged out of a server stays there.
 */
export async function findCredentials(settings: Settings, given: Given): Promise<Found> {
  const named = given.server ?? settings.server
  const token = given.token ?? settings.token
  const tokenFrom = given.token === undefined ? 'FAIRWAY_TOKEN' : '--token'
  if (named !== undefined && token !== undefined)
    return { server: requireServerUrl(named), serverFrom: namedBy(given), token, tokenFrom, others: [] }
  const logins = await readLogins(settings.credentialsFile)
  const demo = await readLogins(checkoutFile)
  const [server, serverFrom] =
    named !== undefined
      ? [requireServerUrl(named), namedBy(given)]
      : logins
        ? [logins.current, 'the last login']
        : demo
          ? [demo.current, 'the demo of this checkout']
          : [defaultServer, 'the default']
  const others = Object.keys(logins?.servers ?? {}).filter((one) => one !== server)
  const whole = { server, serverFrom, others }
  if (token !== undefined) return { ...whole, token, tokenFrom }
  const login = logins?.servers[server]
  if (login) return { ...whole, token: login.token, tokenFrom: 'fairway login' }
  const ofDemo = demo?.servers[server]
  return ofDemo ? { ...whole, token: ofDemo.token, tokenFrom: 'the demo of this checkout' } : whole
}

const namedBy = ({ server }: Given) => (server === undefined ? 'FAIRWAY_SERVER' : '--server')

/** Origin of a server's address. Throws a usage error. */
export function requireServerUrl(text: string): string {
  const url = parseUrl(text)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new CliError(exitCodes.usage, `${text} is not a server's address: give one like ${defaultServer}.`)
  }
  return url.origin
}
