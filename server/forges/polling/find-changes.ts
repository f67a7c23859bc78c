import type { Change } from '../event.ts'

/** Branch → commit. */
export type Heads = Readonly<Record<string, string>>

/** What is known of a branch that was pushed, built or ignored. */
export interface KnownBranch {
  readonly commit: string
  /** Of the last push that was heard of. */
  readonly pushedAt: Date | undefined
  readonly deletedAt: Date | undefined
}

type BranchChange = Extract<Change, { readonly branch: string }>

export interface Polled {
  /** What the repository says now, and when it was asked. */
  readonly heads: Heads
  readonly askedAt: Date
  /** What it said before; undefined: it was never asked. */
  readonly before: Heads | undefined
  readonly known: ReadonlyMap<string, KnownBranch>
}

/** What the next answer is compared with where these branches are to be looked at once more. */
export function lookAgain(seen: Heads, before: Heads, branches: readonly string[]): Heads {
  const next = new Map(Object.entries(seen))
  for (const branch of branches)
    if (Object.hasOwn(before, branch)) next.set(branch, before[branch] as string)
    else next.delete(branch)
  return Object.fromEntries(next)
}

/** At a time; the others are found by the next poll. */
const mostChanges = 50

/**
 * Whether it looks like another repository than the one that answered before, under the same name: of all commits that were a
 * branch's head, none is one now. Where there was one branch, and it is there, that is what every push looks like.
 */
export function isAnotherRepository({ heads, before = {}, known }: Omit<Polled, 'askedAt'>): boolean {
  const former = Object.entries(before)
  const ofBefore = new Set([
    ...former.map(([, commit]) => commit),
    ...[...known.values()].map(({ commit }) => commit),
  ])
  if (Object.values(heads).some((commit) => ofBefore.has(commit))) return false
  const [only] = former
  return former.length > 1 || (only !== undefined && !Object.hasOwn(heads, only[0]))
}

/**
 * What happened to a repository between two answers, less what its hook has said already. The first answer is where it begins:
 * nothing of it is news. What was heard of after the repository was asked goes before its answer, and is looked at again next
 * time. `seen` is what the next answer is compared with.
 */
export function findChanges({ heads, askedAt, before, known }: Polled): {
  readonly changes: readonly BranchChange[]
  readonly seen: Heads
} {
  if (before === undefined) return { changes: [], seen: heads }
  const changes: BranchChange[] = []
  const later: string[] = []
  const put = (branch: string, change: BranchChange | undefined) => {
    if (change && changes.length < mostChanges) changes.push(change)
    else later.push(branch)
  }
  const isLater = (time: Date | undefined) => time !== undefined && time >= askedAt
  for (const [branch, commit] of Object.entries(heads)) {
    const own = known.get(branch)
    const isKnown = own?.commit === commit || (Object.hasOwn(before, branch) && before[branch] === commit)
    if (isKnown && !own?.deletedAt) continue
    const isStale = isLater(own?.pushedAt) || isLater(own?.deletedAt)
    put(branch, isStale ? undefined : { kind: 'push', branch, commit, message: '' })
  }
  for (const [branch, { commit, pushedAt, deletedAt }] of known) {
    if (Object.hasOwn(heads, branch) || commit === '' || deletedAt) continue
    put(branch, isLater(pushedAt) ? undefined : { kind: 'delete', branch })
  }
  return { changes, seen: lookAgain(heads, before, later) }
}
