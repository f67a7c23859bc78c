import type { ClaimedRepository } from '../services/projects/repository-pin.ts'

/** What a delivery says, whichever forge sent it: each of them is parsed into this, and nothing else is acted on. */
export interface ForgeEvent {
  readonly repository: ClaimedRepository
  /** Who did it, as the payload says; believed because the delivery is signed. */
  readonly actor: string
  /** E-mail address of whoever pushed; empty where the payload has none. */
  readonly email: string
  /** One for most; Bitbucket tells of several branches at once. */
  readonly changes: readonly Change[]
}

export type Change =
  | { readonly kind: 'push'; readonly branch: string; readonly commit: string; readonly message: string }
  | { readonly kind: 'delete'; readonly branch: string }
  | { readonly kind: 'pong' }
  /** Nothing is to be done but to know what the repository is called now. */
  | { readonly kind: 'repository'; readonly detail: string }
  | { readonly kind: 'ignore'; readonly detail: string }

export const tagsAreNotBuilt: Change = { kind: 'ignore', detail: 'Tags are not built.' }

export const notActedOn = (event: string): Change => ({
  kind: 'ignore',
  detail: `The event ${event} is not one Fairway acts on.`,
})

const branchPrefix = 'refs/heads/'

/** The branch that a full reference names; undefined for tags and all else. */
export const branchOf = (ref: string): string | undefined =>
  ref.startsWith(branchPrefix) ? ref.slice(branchPrefix.length) : undefined

/** What git says instead of a commit where there is none. */
export const isNoCommit = (commit: string): boolean => /^0+$/.test(commit)
