/** `host:port` of CONNECT; the host still as it was sent. Undefined for anything else. */
export function parseAuthority(text: string): { host: string; port: number } | undefined {
  const [, host, digits] = /^(\[[^[\]@/]*\]|[^[\]@/:]+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  return host && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

export interface HttpTarget {
  host: string
  port: number
  /** For the Host header: what the client says there is not believed. */
  authority: string
  path: string
}

/** The absolute address of a plain http request; undefined for any other form, other schemes, and one with a user. */
export function parseHttpUrl(text: string): HttpTarget | undefined {
  if (!/^http:\/\/[^/?#\\@]+([/?]|$)/i.test(text)) return undefined
  const url = URL.parse(text)
  if (!url || url.username || url.password || url.port === '0') return undefined
  const { hostname, host, pathname, search } = url
  return { host: hostname, port: Number(url.port || 80), authority: host, path: `${pathname}${search}` }
}

const ofTheConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
])

/** Headers without those that concern one connection only, which each side of a proxy makes its own (RFC 9110, 7.6.1). */
export function forwardableHeaders(raw: readonly string[]): string[] {
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []))
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(','))
  const dropped = new Set([...ofTheConnection, ...named.map((name) => name.trim().toLowerCase())])
  const chunked = pairs.some(([name]) => name.toLowerCase() === 'transfer-encoding')
  // One statement of where a body ends, never two, and never none.
  if (chunked) dropped.add('content-length')
  else dropped.delete('content-length')
  return pairs.filter(([name]) => !dropped.has(name.toLowerCase())).flat()
}
