import { trimEnd } from '../words/trim.ts'
import { normalizeName, parseRequirement, type Requirement } from './requirement.ts'

/**
 * Repositories whose owners publish them on the index under this name, and whose default branch is what the next release
 * comes from: reviewed by hand, as whoever holds the name gets code into the image.
 */
const published: ReadonlyMap<string, string> = new Map([
  ['github.com/oca/odoo-test-helper', 'odoo-test-helper'],
  ['github.com/oca/odoorpc', 'odoorpc'],
  ['github.com/oca/openupgradelib', 'openupgradelib'],
])

/** `git+https://github.com/OCA/openupgradelib.git@master#egg=openupgradelib`, `name @ git+https://…`; also of ssh and git. */
const written =
  /^(?:([A-Za-z0-9._-]{1,100})\s*@\s*)?git\+(?:https?|ssh|git):\/\/(?:git@)?([^\s@#;]{1,300})(?:@([^\s@#;]{1,200}))?(?:#egg=([A-Za-z0-9._-]{1,100}))?(?:\s+(;.*))?$/

const editable = /^(?:-e|--editable)[\s=]\s*/

const plain = (repository: string) => {
  const whole = trimEnd(repository, '/').toLowerCase()
  return whole.endsWith('.git') ? whole.slice(0, -4) : whole
}

const isDefaultBranch = (ref: string) => ['', 'HEAD', 'main', 'master'].includes(ref)

/**
 * The published package that a line means which takes it from its repository: the newest for the default branch, the
 * version for a tag that is one. Undefined for other repositories, and for what nobody has published: other branches,
 * commits.
 */
export function findPublished(line: string, origin: string): Requirement | undefined {
  const [, name, repository = '', ref = '', egg, marker = ''] = written.exec(line.replace(editable, '')) ?? []
  const found = published.get(plain(repository))
  if (found === undefined) return undefined
  const version = /^v?(\d+(?:\.\d+){1,3})$/.exec(ref)?.[1]
  if (version === undefined && !isDefaultBranch(ref)) return undefined
  const text = `${found}${version ? `==${version}` : ''}${marker && ` ${marker}`}`
  const requirement = parseRequirement(text, origin)
  const says = (other: string | undefined) => other === undefined || normalizeName(other) === found
  return says(name) && says(egg) ? requirement : undefined
}
