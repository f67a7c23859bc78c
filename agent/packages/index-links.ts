import { createHmac, timingSafeEqual } from 'node:crypto'
import { trimEnd } from '../../lib/words/trim.ts'

/** What one may ask the index for. */
export interface IndexTarget {
  readonly url: URL
  /** Of a page links are changed, a file is passed on as it is. */
  readonly kind: 'page' | 'file'
}

export interface IndexLinks {
  /** A project's page, at `/simple/<name>/`, and what `toBuild` made below its base; undefined for all else. */
  toTarget(path: string): IndexTarget | undefined
  /**
   * What the build is told for an address that the index named: one below `base`, or for another server just that, without
   * a user.
   */
  toBuild(url: URL, base: string, kind: IndexTarget['kind']): string
  /** What was said of local addresses below `base`, with the index's own in their place. */
  translate(text: string, base: string): string
}

const projectPath = /^\/simple\/([A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?)\/$/
/** At the beginning of what follows our own address in a line of text. */
const local = /^\/(?:simple|(?:page|file)\/[\w-]{22}\.[\w-]+\/[^\s/?#"')]*)/
const signedPath = /^\/(page|file)\/([\w-]{22})\.([\w-]{1,8000})\/([^/?#]*)$/

/**
 * The paths by which a build reaches one index: pages of projects, and those addresses of the same server that pages and
 * redirects named. These are signed, so that a password is no key to whatever else the server
 * has. The file's name comes last, since pip reads it there.
 */
export function createIndexLinks(index: URL, key: Uint8Array): IndexLinks {
  const root = trimEnd(index.href, '/')
  const sign = (kind: string, path: string) =>
    createHmac('sha256', key).update(`${kind} ${path}`).digest('base64url').slice(0, 22)

  function toTarget(path: string): IndexTarget | undefined {
    const [, project] = projectPath.exec(path) ?? []
    if (project) return { url: new URL(`${root}/${project}/`), kind: 'page' }
    const [, kind, signature = '', encoded = '', name = ''] = signedPath.exec(path) ?? []
    const signed = Buffer.from(encoded, 'base64url').toString()
    if (!kind || !timingSafeEqual(Buffer.from(signature), Buffer.from(sign(kind, signed)))) return undefined
    // Beside a file may lie its metadata (PEP 658), which no link names.
    const suffix = name.endsWith('.metadata') && !signed.endsWith('.metadata') ? '.metadata' : ''
    return { url: new URL(`${index.origin}${signed}${suffix}`), kind: kind === 'page' ? 'page' : 'file' }
  }

  return {
    toTarget,
    toBuild(url, base, kind) {
      if (url.origin !== index.origin) {
        url.username = ''
        url.password = ''
        return url.href
      }
      const path = `${url.pathname}${url.search}`
      const name = url.pathname.split('/').at(-1) ?? ''
      return `${base}/${kind}/${sign(kind, path)}.${Buffer.from(path).toString('base64url')}/${name}${url.hash}`
    },
    translate(text, base) {
      return text
        .split(base)
        .map((part, at) =>
          at === 0 ? part : part.replace(local, (path) => toTarget(path)?.url.href ?? root),
        )
        .join('')
    },
  }
}
