import { TaskError } from '../faults/task-error.ts'
import { parseUrl } from './parse-url.ts'
import { redactUrls } from './redact-urls.ts'

/** Transports that a repository may be fetched with; `file` only for a project's own (`CommitWanted.isOwn`). */
export type GitProtocol = 'https' | 'http' | 'ssh' | 'file'

/** Those that an agent is usually allowed. */
export const sourceProtocols: readonly GitProtocol[] = ['https', 'http', 'ssh']

const scpLike = /^(?:([\w.-]+)@)?([a-zA-Z0-9][\w.-]*):(?!\/\/)(?!:)([^\s]+)$/

/** The transport of an address, or a TaskError `repository-url` for one that is not allowed. */
export function requireProtocol(url: string, allowed: readonly GitProtocol[]): GitProtocol {
  const protocol = url.length <= 1000 ? findProtocol(url) : undefined
  if (protocol && allowed.includes(protocol)) return protocol
  throw new TaskError(
    'repository-url',
    `${redactUrls(url).slice(0, 200)}: only ${allowed.join(', ')} addresses can be fetched`,
  )
}

function findProtocol(url: string): GitProtocol | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x20\x7f]/.test(url) || url.startsWith('-')) return undefined
  const match = /^(https?|ssh|file):\/\//.exec(url)
  if (!match) return scpLike.test(url) ? 'ssh' : undefined
  const parsed = parseUrl(url)
  const protocol = match[1] as GitProtocol
  if (!parsed) return undefined
  // `ssh://-oProxyCommand=…` would reach ssh as an option.
  if (protocol === 'file') return parsed.host === '' ? protocol : undefined
  if (!/^[\w[]/.test(parsed.hostname)) return undefined
  if (parsed.username.startsWith('-') || decodeURIComponent(parsed.username).startsWith('-')) return undefined
  return protocol
}

/** An address in a file: no file of the host, and no password or token (a user name is often one) that a lock would hold. */
export function requireSourceUrl(
  url: string,
  { protocols }: { readonly protocols: readonly GitProtocol[] },
): void {
  requireProtocol(url, protocols.filter(isNoPath))
  if (/^(https?:\/\/[^/]*@|\w+:\/\/[^/:]*:[^/]*@)/.test(url))
    throw new TaskError(
      'repository-url',
      `${redactUrls(url)}: an address with a user or password is refused; take it out, and set a credential for the host`,
    )
}

/**
 * Address of a submodule as `.gitmodules` gives it: absolute, or relative to its parent's (`../other.git`).
 * None that is a path, absolute or beside a parent that is one: contents of a repository never name files of the host, or
 * whoever pushes to one would read its neighbours.
 */
export function resolveSubmoduleUrl(parent: string, url: string, allowed: readonly GitProtocol[]): string {
  if (!/^\.\.?\//.test(url)) {
    requireProtocol(url, allowed.filter(isNoPath))
    return url
  }
  if (findProtocol(parent) === 'file')
    throw new TaskError(
      'repository-url',
      `the submodule address ${url} stands for a path on the host, as ${parent} is one: give it an address of its own (https:// or ssh://)`,
    )
  const [, prefix = '', path = ''] = /^((?:\w+:\/\/[^/]+\/?)|(?:[^/:]+:))(.*)$/s.exec(parent) ?? []
  const parts = path.split('/').filter(Boolean)
  const leading = path.startsWith('/') ? '/' : ''
  for (const part of url.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined)
        throw new TaskError('repository-url', `the submodule address ${url} leaves ${redactUrls(parent)}`)
    } else if (part !== '.' && part !== '') parts.push(part)
  }
  const resolved = prefix + leading + parts.join('/')
  requireProtocol(resolved, allowed.filter(isNoPath))
  return resolved
}

/** What contents of a repository may name. */
export const isNoPath = (protocol: GitProtocol): boolean => protocol !== 'file'

/**
 * The names under which credentials for a host may be kept: without the port only where it is the protocol's own, and
 * that of http never goes without saying. Anybody on the way would read what is presented there.
 */
export function hostNames(url: string): {
  protocol: GitProtocol | undefined
  origin: string
  names: string[]
} {
  const { protocol, host, port, authority } = targetOf(url)
  if (!protocol || protocol === 'file' || host === '') return { protocol, origin: '', names: [] }
  const isOwn = port === ownPorts[protocol] && protocol !== 'http'
  const names = [`${host}:${port}`, ...(isOwn ? [host] : [])]
  return { protocol, origin: `${protocol}://${authority}`, names }
}

/** The host that an address is of, in lower case; empty with port 0 where there is none. */
export function targetOf(url: string): {
  protocol: GitProtocol | undefined
  host: string
  port: number
  /** With the port only where the address names another than the protocol's own. */
  authority: string
} {
  const protocol = findProtocol(url)
  const scp = /^\w+:\/\//.test(url) ? undefined : scpLike.exec(url)
  const parsed = scp ? undefined : parseUrl(url)
  const host = (scp?.[2] ?? parsed?.hostname ?? '').toLowerCase()
  if (!protocol || protocol === 'file' || host === '') return { protocol, host: '', port: 0, authority: '' }
  return {
    protocol,
    host,
    port: Number(parsed?.port || ownPorts[protocol]),
    authority: parsed?.host ?? host,
  }
}

const ownPorts = { https: 443, http: 80, ssh: 22 } as const
