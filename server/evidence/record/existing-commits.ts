import type { RepositoryFacts } from './run-manifest.ts'

interface Pinned {
  readonly path: string
  readonly url: string
  readonly commit: string
}

/** What an agent answered to `resolve`, as JSON. */
export interface ResolvedRepositories {
  readonly submodules?: readonly Pinned[]
  readonly sources?: readonly (Pinned & { readonly merges?: readonly Omit<Pinned, 'path'>[] })[]
}

/**
 * Submodules, and the repositories that declarations bring in. What a merge came out as exists on the agent alone, so its
 * parts stand for it: each can be fetched from the address beside it.
 */
export function existingCommits({ submodules = [], sources = [] }: ResolvedRepositories): RepositoryFacts[] {
  return [
    ...submodules.map(({ path, url, commit }) => ({ path, url, commit })),
    ...sources.flatMap(({ path, url, commit, merges = [] }) =>
      merges.length === 0
        ? [{ path, url, commit }]
        : merges.map((one, index) => ({
            path,
            url: one.url,
            commit: one.commit,
            merge: { part: index + 1, parts: merges.length },
          })),
    ),
  ]
}
