import { createHash } from 'node:crypto'

/**
 * Version of what agent/containers/dockerfile.ts makes of a lock. Raise it whenever the same input would give
 * another image.
 */
export const imageRecipeVersion = 2

export interface LockedAddon {
  name: string
  path: string
  treeId: string
}

/** Packages that an image gets. */
export interface LockedPackages {
  python: readonly { name: string; version: string; hashes: readonly string[] }[]
  /** Where they come from; empty: the index that pip knows. */
  pythonIndex: string
  apt: readonly { name: string; version: string }[]
}

/** Everything an image is made from, pinned: the same lock, the same image. */
export interface LockInput {
  commit: string
  treeId: string
  /** sha256:… of the base image. */
  baseDigest: string
  submodules: readonly { path: string; url: string; commit: string }[]
  addons: readonly LockedAddon[]
  closure: readonly string[]
}

export interface Lock {
  /** Canonical JSON: sorted keys, sorted lists, one newline at the end. */
  document: string
  /** Of `document`, hexadecimal. */
  sha256: string
}

export function createLock(input: LockInput): Lock {
  const document = `${JSON.stringify(
    {
      addons: [...input.addons]
        .sort((a, b) => compare(a.path, b.path))
        .map(({ name, path, treeId }) => ({ name, path, tree: treeId })),
      base: input.baseDigest,
      closure: input.closure,
      commit: input.commit,
      recipe: imageRecipeVersion,
      submodules: [...input.submodules]
        .sort((a, b) => compare(a.path, b.path))
        .map(({ commit, path, url }) => ({ commit, path, url })),
      tree: input.treeId,
      version: 1,
    },
    null,
    2,
  )}\n`
  return { document, sha256: sha256(document) }
}

/**
 * Names the image of these addons and packages on this base: commits that change none of them share it, and nothing is
 * built. Hexadecimal, so that it can be a tag.
 */
export function imageKey(
  baseDigest: string,
  addons: readonly { name: string; treeId: string }[],
  { python, apt }: Pick<LockedPackages, 'python' | 'apt'> = { python: [], apt: [] },
): string {
  const lines = [
    ...addons.map(({ name, treeId }) => `${name} ${treeId}`).sort(compare),
    ...python
      .map(({ name, version, hashes }) => `python ${name} ${version} ${[...hashes].sort().join(' ')}`)
      .sort(compare),
    ...apt.map(({ name, version }) => `apt ${name} ${version}`).sort(compare),
  ]
  return sha256([`recipe ${imageRecipeVersion}`, `base ${baseDigest}`, ...lines].join('\n'))
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
