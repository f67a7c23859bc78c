import { invalid } from '../../errors.ts'

/** Throws InvalidArgument unless it can be a DNS label that begins with a letter. */
export function requireProjectName(name: string): void {
  if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw invalid(
      'name',
      `The project name ${JSON.stringify(name)} is not allowed: 1 to 40 lower-case letters, digits and dashes, ` +
        'beginning with a letter and ending with a letter or digit.',
    )
  }
}

const shapes =
  'https://host/owner/name.git, ssh://git@host/owner/name.git, git@host:owner/name.git, or the path of one on the host, ' +
  '/srv/git/name.git'

/** `git@host:owner/name.git` of ssh; a user's name that begins with a dash would reach it as an option. */
const scpLike = /^(?:[a-zA-Z0-9_][\w.-]*)@([a-zA-Z0-9][\w.-]*):([^:]+)$/

/**
 * An address that agents may clone from; its path is its slug, with all of its groups. A path on the agents' host becomes a
 * URL: `file:///srv/git/acme.git`. Whether it may be read there the host's admin says.
 */
export function parseRepositoryUrl(text: string): { url: string; slug: string } {
  const refuse = (why: string) =>
    invalid('repository-url', `The repository URL ${why}. Give one like ${shapes}.`)
  if (text.length > 500 || /[\s\p{C}]/u.test(text)) throw refuse('contains white space or is too long')
  if (text.startsWith('/') || /^file:/i.test(text)) return parsePath(text, refuse)
  const scp = scpLike.exec(text)
  if (scp) return { url: text, slug: slugFrom(scp[2] ?? '') ?? fail(refuse('names no repository')) }
  const url = URL.parse(text)
  if (url?.protocol === 'git:') throw refuse('is of git’s own protocol, which nothing protects on its way')
  if (!url || !['http:', 'https:', 'ssh:'].includes(url.protocol) || url.hostname === '') {
    throw refuse('must begin with https://, http://, ssh:// or git@, or be an absolute path')
  }
  if (url.password !== '' || (url.protocol !== 'ssh:' && url.username !== '')) {
    throw refuse('must not contain a user name or password; credentials are kept apart')
  }
  return { url: text, slug: slugFrom(url.pathname) ?? fail(refuse('names no repository')) }
}

/** Only what needs no escaping, so that the path is the same for everybody who reads it. */
function parsePath(text: string, refuse: (why: string) => Error): { url: string; slug: string } {
  const path = text.replace(/^file:(\/\/)?(?=\/)/i, '').replace(/(?<=.)\/$/, '')
  const parts = path.split('/').slice(1)
  if (!path.startsWith('/') || parts.some((part) => ['', '.', '..'].includes(part)))
    throw refuse('is no whole path: it begins with one slash, and has no empty part, no . and no .. in it')
  const slug = slugFrom(path)
  if (!slug)
    throw refuse('is a path with other characters than letters, digits, dots, dashes and underscores')
  return { url: `file://${path}`, slug }
}

/** Whether agents read it from their own disk. */
export const isPath = (repositoryUrl: string): boolean => repositoryUrl.startsWith('file:')

/** Whether that is the repository at the address: its path, or the end of it where the git server is in a folder. */
export function isPathOf(repositoryUrl: string, slug: string): boolean {
  const path = parseRepositoryUrl(repositoryUrl).slug.toLowerCase()
  return `/${path}`.endsWith(`/${slug.toLowerCase()}`)
}

/**
 * The address once `before` is called `now`; undefined where that does not follow from it: it names no `before`, or more
 * than that, and the groups are not as many as they were; or it is a path.
 */
export function renamedUrl(url: string, before: string, now: string): string | undefined {
  if (isPathOf(url, now)) return url
  // What is beside it on a host's disk is for an owner to name, not for whoever signs a delivery.
  if (isPath(url)) return undefined
  const depth = (slug: string) => slug.split('/').length
  const isWhole = parseRepositoryUrl(url).slug.toLowerCase() === before.toLowerCase()
  if (!isPathOf(url, before) || !(isWhole || depth(before) === depth(now))) return undefined
  const at = url.toLowerCase().lastIndexOf(before.toLowerCase())
  return url.slice(0, at) + now + url.slice(at + before.length)
}

const fail = (error: Error): never => {
  throw error
}

/** Whether a repository's address is at that host; GitHub takes ssh at a name of its own as well. */
export function isAtHost(repositoryUrl: string, host: string): boolean {
  const named = hostOf(repositoryUrl)
  return named === host || named === `ssh.${host}`
}

/** In lower case; empty where the address names none. */
export function hostOf(repositoryUrl: string): string {
  const scp = scpLike.exec(repositoryUrl)?.[1]
  return (scp ?? URL.parse(repositoryUrl)?.hostname ?? '').toLowerCase()
}

function slugFrom(path: string): string | undefined {
  // In somebody's home: `~git/name.git`.
  const segments = path
    .replace(/^\/?~/, '')
    .replace(/\.git\/?$/, '')
    .split('/')
    .filter(Boolean)
  const slug = segments.join('/')
  return isSlug(slug) ? slug : undefined
}

/** `owner/name`, with as many groups before the name as the git server has. */
export const isSlug = (slug: string) => slug.length <= 200 && /^[\w.-]+(\/[\w.-]+)*$/.test(slug)

export function requireSlug(slug: string): void {
  if (!isSlug(slug)) {
    throw invalid('repository-slug', `The repository slug ${JSON.stringify(slug)} must look like owner/name.`)
  }
}

export function requireOdooVersion(version: string): void {
  if (!/^[1-9][0-9]\.0$/.test(version)) {
    throw invalid(
      'odoo-version',
      `The Odoo version ${JSON.stringify(version)} must be a major one, such as 19.0.`,
    )
  }
}

/** 16 to 200 printable characters, so that it can be typed into GitHub's form and is worth something. */
export function requireWebhookSecret(secret: string): void {
  if (!/^[\x21-\x7e]{16,200}$/.test(secret)) {
    throw invalid(
      'webhook-secret',
      'The webhook secret must have 16 to 200 printable characters without spaces.',
    )
  }
}
