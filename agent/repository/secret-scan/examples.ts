/**
 * Values that documentation shows, by their beginnings: AWS's all end in EXAMPLE, those of SendGrid, GitHub and Slack are in
 * their API references, the key is the one of jwt.io. In two parts, so that nobody's search finds them here.
 */
const published = [
  ['SG.', 'ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf'],
  ['16C7e42F292c6912', 'E7710c838347Ae178B4a'],
  ['MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQ', 'C7VJTUt9Us8cKj'],
  ['T00000000/', 'B00000000/'],
].map((parts) => parts.join(''))

/** Of keys only these are looked for: in a thousand characters anything may stand by chance. */
const longestToken = 300

const placeholder =
  /example|placeholder|change_?me|dummy|redacted|replace_?me|not-?a-?real|your[-_]?(?:api|secret|token|key|pass)|\$\{|<[a-z_ -]{3,}>|%\(|\.\.\./i
const runOfOne = /([\w*])\1{7}/
/** Passwords that no server was meant to have, and hosts that are for documentation (RFC 2606) or one's own machine. */
const madeUpPassword =
  /:(?:pass|password|passwd|pwd|secret|token|user|admin|odoo|postgres|test|demo|x+|\*+)@|@(?:localhost|127\.0\.0\.1)(?:[:/]|$)/i

/** Whether a value that looks like a secret is one that is written where no secret is: published, or a placeholder. */
export function isExample(value: string): boolean {
  if (published.some((known) => value.includes(known))) return true
  if (value.length > longestToken) return false
  return placeholder.test(value) || runOfOne.test(value) || madeUpPassword.test(value)
}
