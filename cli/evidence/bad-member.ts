/** What of a bundle does not hold: the first member found to be bad, and why. */
export class BadMember extends Error {
  override name = 'BadMember'
  readonly member: string
  readonly why: string
  constructor(member: string, why: string) {
    super(`${member}: ${why}`)
    this.member = member
    this.why = why
  }
}

/** The members of a bundle by their path, in memory. */
export type Members = ReadonlyMap<string, Buffer>

/** Throws BadMember when it is not there. */
export function requireMember(members: Members, path: string): Buffer {
  const bytes = members.get(path)
  if (!bytes) throw new BadMember(path, 'missing')
  return bytes
}

/**
 * Names that can be a member's: nothing that leads out of the bundle, hides in a listing, means something to a shell or
 * is an option of a program.
 */
export const isMemberPath = (path: string): boolean =>
  /^[A-Za-z0-9._][A-Za-z0-9._-]*(\/[A-Za-z0-9._][A-Za-z0-9._-]*)*$/.test(path) &&
  !path.split('/').some((part) => part === '.' || part === '..')
