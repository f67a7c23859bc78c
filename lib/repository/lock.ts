import { createHash } from 'node:crypto'

/**
 * Version of what agent/images/ and agent/containers/ make of a lock. Raise it whenever the same input would give another
 * image, by whatever bytes: of labels and layers as well. All that an image has is by its key or the same in every image,
 * so that one key is one digest, whoever builds it, from whichever commit.
 */
export const imageRecipeVersion = 4

/**
 * Of the document's form. A version 1 pinned nothing but the base. Version 3 knows addons that packages bring; a lock
 * without any is still written as version 2, which older agents read.
 */
export const lockVersion = 3
const plainLockVersion = 2

export interface LockedAddon {
  name: string
  path: string
  treeId: string
  /** Python package that brings it; none: a repository. */
  package?: string
}

export interface LockedSource {
  path: string
  url: string
  /** Empty: it is declared by commit. */
  ref: string
  commit: string
  /** All that are merged, in order, the first included. */
  merges: readonly { url: string; ref: string; commit: string }[]
}

export interface LockedPython {
  /** Normalized. */
  name: string
  version: string
  /** `sha256:…` */
  hashes: readonly string[]
}

export interface LockedApt {
  name: string
  version: string
}

/** Packages that an image gets. */
export interface LockedPackages {
  python: readonly LockedPython[]
  /** Where they come from; empty: the index that pip knows. */
  pythonIndex: string
  apt: readonly LockedApt[]
}

export const noPackages: LockedPackages = { python: [], pythonIndex: '', apt: [] }

/** Everything an image is made from, pinned: the same lock, the same image. */
export interface LockInput extends LockedPackages {
  commit: string
  treeId: string
  /** `image` as it was asked for, `digest` (`sha256:…`) what it was. */
  base: { image: string; digest: string }
  submodules: readonly { path: string; url: string; commit: string }[]
  sources: readonly LockedSource[]
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
      addons: sortedBy(input.addons, 'path').map(({ name, package: from, path, treeId }) => ({
        name,
        ...(from !== undefined && { package: from }),
        path,
        tree: treeId,
      })),
      apt: sortedBy(input.apt, 'name').map(({ name, version }) => ({ name, version })),
      base: { digest: input.base.digest, image: input.base.image },
      closure: input.closure,
      commit: input.commit,
      python: sortedBy(input.python, 'name').map(({ hashes, name, version }) => ({
        hashes: [...hashes].sort(compare),
        name,
        version,
      })),
      pythonIndex: input.pythonIndex,
      recipe: imageRecipeVersion,
      sources: sortedBy(input.sources, 'path').map(({ commit, merges, path, ref, url }) => ({
        commit,
        // Their order is part of what they come out as.
        merges: merges.map(({ commit, ref, url }) => ({ commit, ref, url })),
        path,
        ref,
        url,
      })),
      submodules: sortedBy(input.submodules, 'path').map(({ commit, path, url }) => ({ commit, path, url })),
      tree: input.treeId,
      version: input.addons.some((addon) => addon.package !== undefined) ? lockVersion : plainLockVersion,
    },
    null,
    2,
  )}\n`
  return { document, sha256: sha256(document) }
}

/**
 * Names the image of these addons and packages on this base: commits that change none of them share it, and nothing is
 * built. `repository` tells which layer an addon is in: see repositoryOf of addon-layers.ts. Hexadecimal, so that it can be a tag.
 */
export function imageKey(
  baseDigest: string,
  addons: readonly { name: string; treeId: string; repository: string }[],
  packages: Pick<LockedPackages, 'python' | 'apt'> = noPackages,
): string {
  const lines = [
    ...sortedBy(addons, 'name').map(({ name, treeId, repository }) => `${name} ${treeId} ${repository}`),
    ...packageLines(packages),
  ]
  return sha256([`recipe ${imageRecipeVersion}`, `base ${baseDigest}`, ...lines].join('\n'))
}

/** What keys of images say of packages, in whatever order they come. */
export const packageLines = ({ python, apt }: Pick<LockedPackages, 'python' | 'apt'>): string[] => [
  ...sortedBy(python, 'name').map(
    ({ name, version, hashes }) => `python ${name} ${version} ${[...hashes].sort(compare).join(' ')}`,
  ),
  ...sortedBy(apt, 'name').map(({ name, version }) => `apt ${name} ${version}`),
]

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const sortedBy = <K extends string, T extends Record<K, string>>(items: readonly T[], key: K): T[] =>
  [...items].sort((a, b) => compare(a[key], b[key]))
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
