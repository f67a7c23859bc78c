/** Values that documentation shows: by their beginnings, in two parts, so that nobody's search finds them here. */
const published = [
  // References of SendGrid, GitHub and Slack, the key of jwt.io.
  ['SG.', 'ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf'],
  ['16C7e42F292c6912', 'E7710c838347Ae178B4a'],
  ['MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQ', 'C7VJTUt9Us8cKj'],
  ['T00000000/', 'B00000000/'],
].map((parts) => parts.join(''))
/** AWS's all end in these words. */
const publishedByAws = /^(?:A[A-Z]{3}[A-Z0-9]{9}EXAMPLE|[A-Za-z0-9/+]{30}EXAMPLEKEY)$/
/** `ghp_xxxxxxxxxxxxxxxx`: what is given out never ends so. */
const endsInOneLetter = /([\w*])\1{15}$/

/** Of keys only published ones are looked for: in a thousand characters anything may stand by chance. */
const longestForm = 300
const placeholder =
  /example|placeholder|change_?me|dummy|redacted|replace_?me|not-?a-?real|your[-_]?(?:api|secret|token|key|pass)|\$\{|<[a-z_ -]{3,}>|%\(|\.\.\./i
const runOfOne = /([\w*])\1{7}/
/** Passwords that no server was meant to have. */
const madeUp = /^(?:pass|password|passwd|pwd|secret|token|user|admin|odoo|postgres|test|demo|x+|\*+)$/i

/** One that its provider writes into documentation. */
export const isPublished = (value: string): boolean =>
  published.some((known) => value.includes(known)) ||
  publishedByAws.test(value) ||
  endsInOneLetter.test(value)

/** A published one, or one that is written where a value is to be put. */
export const isPlaceholder = (value: string): boolean =>
  isPublished(value) || (value.length <= longestForm && (placeholder.test(value) || runOfOne.test(value)))

/**
 * An address whose password is a placeholder or one that no server was meant to have. Nothing else of it counts: names of
 * hosts and databases hold any word, and what leads to this machine may be the end of a tunnel.
 */
export function isAddressOfNoOne(address: string): boolean {
  const password = passwordOf(address)
  return password !== '' && (madeUp.test(password) || isPlaceholder(password))
}

/** Of `scheme://user:password@host/…`; empty: none. */
function passwordOf(address: string): string {
  const rest = address.slice(address.indexOf('://') + 3)
  // Up to the path; where that leaves no user, the password has one of these characters in it.
  const authority = rest.split(/[/?#]/, 1)[0] ?? ''
  const before = authority.includes('@') ? authority : rest
  const user = before.slice(0, Math.max(0, before.lastIndexOf('@')))
  return user.includes(':') ? user.slice(user.indexOf(':') + 1) : ''
}
