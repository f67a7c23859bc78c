import type { CallerAccess } from '../authorize.ts'

/**
 * Four eyes count people, and a one-time code is as good to whoever made it as to whom it was made for. So a login
 * remembers its issuers: the actors through whose hands its code went, and the issuers of their own logins. An issuer and
 * who logged in with the code are one person here, for as long as that session or a token made with it lives.
 */
export interface Hand {
  /** `member:ana`, or a name from outside. */
  readonly actor: string
  /** Actors; none: logged in at the OpenID provider, or with a code of the server's own operator. */
  readonly issuers: readonly string[]
}

/** Who stands in a code that they issue: themselves, and whoever could be acting as them. */
export const handsOf = ({
  actor,
  access,
}: {
  readonly actor: string
  readonly access: Pick<CallerAccess, 'loginIssuers'>
}): string[] => [...new Set([actor, ...(access.loginIssuers ?? [])])]

/** Of those who confirm each other, or one after the other: why they may be one person; empty when nothing says so. */
export function onePerson(one: Hand, other: Hand): string {
  if (nameOf(one.actor) === nameOf(other.actor)) return `${nameOf(one.actor)} is the same member`
  if (holds(one.issuers, other.actor)) return issued(one, other)
  if (holds(other.issuers, one.actor)) return issued(other, one)
  return ''
}

/**
 * As many as can be of which no two may be one person. Of an issuer and several who logged in with their codes it is the
 * several, who would count without the issuer, too.
 */
export function distinctPeople<H extends Hand>(hands: readonly H[]): H[] {
  const doubtsAbout = (one: Hand) => hands.filter((other) => onePerson(one, other)).length
  const certain: H[] = []
  for (const hand of hands.toSorted((a, b) => doubtsAbout(a) - doubtsAbout(b)))
    if (!certain.some((other) => onePerson(hand, other))) certain.push(hand)
  return hands.filter((hand) => certain.includes(hand))
}

const holds = (issuers: readonly string[], actor: string): boolean =>
  peopleOf(issuers).some((issuer) => issuer === nameOf(actor))

const issued = (hand: Hand, issuer: Hand): string =>
  `${nameOf(hand.actor)} logged in with a code that went through ${nameOf(issuer.actor)}’s hands`

/** Names of the issuers that are members; the server's own operator is nobody here. */
export const peopleOf = (issuers: readonly string[]): string[] =>
  issuers.filter((actor) => actor.startsWith('member:')).map(nameOf)

/** Of `member:ana`. */
export const nameOf = (actor: string): string => actor.replace(/^[a-z]+:/, '').toLowerCase()
