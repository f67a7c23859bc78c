import { createHash } from 'node:crypto'

/**
 * Version of what agent/containers/dockerfile.ts makes of a lock. Raise it whenever the same input would give
 * another image.
 */
export const imageRecipeVersion = 1

export interface LockedAddon {
  name: string
  path: string
  treeId: string
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
 * Names the image of these addons on this base: commits that change none of them share it, and nothing is built.
 * Hexadecimal, so that it can be a tag.
 */
export function imageKey(baseDigest: string, addons: readonly { name: string; treeId: string }[]): string {
  const lines = [...addons]
    .sort((a, b) => compare(a.name, b.name))
    .map(({ name, treeId }) => `${name} ${treeId}`)
  return sha256([`recipe ${imageRecipeVersion}`, `base ${baseDigest}`, ...lines].join('\n'))
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
