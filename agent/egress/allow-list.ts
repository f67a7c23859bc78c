import { isIP } from 'node:net'
import ip from 'ipaddr.js'

/** An entry of an allow-list: a host by name (with `*.` all below it), an address, or a range; with a port only that one. */
export type AllowEntry =
  | { readonly kind: 'host'; readonly host: string; readonly below: boolean; readonly port?: number }
  | { readonly kind: 'range'; readonly range: readonly [ip.IPv4 | ip.IPv6, number]; readonly port?: number }

export interface Target {
  /** As `normalizeHost` gives it. */
  host: string
  port: number
  /** One that the host has. */
  address: string
}

/**
 * `git.intern`, `git.intern:8443`, `*.intern`, `10.1.2.3`, `10.1.2.3:8080`, `[fd00::1]:8080`, `fd00::1`, `10.1.0.0/16`.
 * Throws an Error that names the entry and what it may be.
 */
export function parseAllowEntry(text: string): AllowEntry {
  const fault = (why: string) =>
    new Error(
      `${JSON.stringify(text.slice(0, 100))} ${why}; an entry is a host, host:port, *.host, an address, address:port, or a range such as 10.1.0.0/16`,
    )
  if (text.includes('/')) {
    const [address = '', prefix = '', more] = text.split('/')
    const widest = { 0: -1, 4: 32, 6: 128 }[isIP(address) as 0 | 4 | 6]
    const fits = /^\d{1,3}$/.test(prefix) && Number(prefix) <= widest
    if (!fits || address.includes('%') || more !== undefined) throw fault('is no range of addresses')
    const base = ip.parse(address)
    if (unwrap(base) !== base) throw fault('is a range of IPv4 written as IPv6')
    return { kind: 'range', range: [base, Number(prefix)] }
  }
  if (isIP(text) === 6 && !text.includes('%')) return rangeOf(text)
  const [, name = '', portText] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = portText === undefined ? undefined : Number(portText)
  if (name === '' || port === 0 || (port ?? 1) > 65_535) throw fault('is not understood')
  const below = name.startsWith('*.')
  const host = normalizeHost(below ? name.slice(2) : name)
  if (host === undefined) throw fault('is no name and no address')
  if (isIP(host) === 0) return { kind: 'host', host, below, port }
  if (below) throw fault('puts *. before an address')
  return rangeOf(host, port)
}

function rangeOf(address: string, port?: number): AllowEntry {
  const parsed = unwrap(ip.parse(address))
  return { kind: 'range', range: [parsed, parsed.kind() === 'ipv4' ? 32 : 128], port }
}

/** Whether an entry names the target. An entry without a port says nothing about ports. */
export function matches(entry: AllowEntry, { host, port, address }: Target): boolean {
  if (entry.port !== undefined && entry.port !== port) return false
  if (entry.kind === 'host') return entry.below ? host.endsWith(`.${entry.host}`) : host === entry.host
  const parsed = unwrap(ip.parse(address))
  const [base, prefix] = entry.range
  return parsed.kind() === base.kind() && parsed.match([base, prefix])
}

/**
 * A host as it is compared: a name in lower case without a last dot, or an address without brackets. Undefined for what is
 * neither: zone ids, the octal, hexadecimal and shortened forms of IPv4 that some programs take, user information, ports.
 */
export function normalizeHost(text: string): string | undefined {
  if (text.length > 255) return undefined
  if (text.startsWith('[')) {
    const address = text.endsWith(']') ? text.slice(1, -1) : ''
    return isIP(address) === 6 && !address.includes('%') ? address.toLowerCase() : undefined
  }
  if (isIP(text) === 4) return text
  const name = text.toLowerCase().replace(/\.$/, '')
  if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(name)) return undefined
  // By the last label URLs tell a name from an IPv4 address.
  return /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name) ? undefined : name
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
export function unwrap(address: ip.IPv4 | ip.IPv6): ip.IPv4 | ip.IPv6 {
  return address.kind() === 'ipv6' && (address as ip.IPv6).isIPv4MappedAddress()
    ? (address as ip.IPv6).toIPv4Address()
    : address
}
