import { isIP } from 'node:net'
import ip from 'ipaddr.js'

/**
 * What is wrong with an entry of `network.allow`; undefined when it is one. Agents read them again by the same rules
 * (agent/egress/allow-list.ts).
 */
export function faultOfNetworkEntry(entry: string): string | undefined {
  if (isEntry(entry)) return undefined
  return 'a host, host:port, *.host, an address, address:port or a range such as 10.1.0.0/16 is expected'
}

function isEntry(entry: string): boolean {
  if (entry.includes('/')) return isRange(entry)
  if (isIP(entry) === 6) return !entry.includes('%')
  const [, host = '', port] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(entry) ?? []
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false
  if (host.startsWith('[')) return isIP(host.slice(1, -1)) === 6 && !host.includes('%')
  return isIP(host) === 4 || isName(host.startsWith('*.') ? host.slice(2) : host)
}

function isRange(entry: string): boolean {
  const [address = '', prefix = '', more] = entry.split('/')
  if (isIP(address) === 0 || address.includes('%') || more !== undefined) return false
  const parsed = ip.parse(address)
  const mapped = parsed.kind() === 'ipv6' && (parsed as ip.IPv6).isIPv4MappedAddress()
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= parsed.toByteArray().length * 8 && !mapped
}

function isName(text: string): boolean {
  const name = text.toLowerCase().replace(/\.$/, '')
  if (text.length > 255 || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return false
  return /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(name)
}
