import { BlockList, isIP } from 'node:net'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { Settings } from './settings.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Throws where codes and tokens sent to that address could be read on the way: plain HTTP, and not to this machine,
 * which of all names is `localhost` alone. `FAIRWAY_INSECURE_HTTP=1` allows it.
 */
export function requireSecureAddress(
  address: string,
  { insecureHttp }: Pick<Settings, 'insecureHttp'>,
): void {
  const { protocol, hostname, origin } = new URL(address)
  if (protocol === 'https:' || insecureHttp || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) return
  throw new CliError(
    exitCodes.usage,
    `${origin} is plain HTTP: codes and tokens could be read on the way, so nothing was sent. Use its https address ` +
      '(--server, FAIRWAY_SERVER, or `fairway login --server URL`). FAIRWAY_INSECURE_HTTP=1 sends them all the same.',
  )
}

function isLoopback(host: string): boolean {
  const family = isIP(host)
  return host === 'localhost' || (family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6'))
}
