import { join } from 'node:path'
import { resolveSubmoduleUrl, sourceProtocols, targetOf } from '../../lib/addresses/git-url.ts'
import { pairSubmodules, requireGitmodules } from '../../lib/repository/submodules.ts'
import type { Git } from './git.ts'
import { withPointers } from './kept-by-lfs.ts'
import { type ListedFile, type ListedSubmodule, listFiles } from './listed-files.ts'

/** A submodule, with what is there of it. */
export interface FoundSubmodule {
  readonly path: string
  readonly state: 'read' | 'not checked out'
  /** Of another submodule. */
  readonly isNested: boolean
  /** What is there is not the commit that the index pins. */
  readonly isOther: boolean
  /** Named from the top of the repository. */
  readonly files: readonly ListedFile[]
}

const maxDepth = 5

/** Those of submodules too. */
export async function findSubmodules(
  root: string,
  submodules: readonly ListedSubmodule[],
  git: Git,
  depth = 1,
): Promise<FoundSubmodule[]> {
  const found: FoundSubmodule[] = []
  for (const { path, commit } of submodules) {
    const folder = join(root, path)
    const top = (await isThere(folder, git))
      ? (await git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD']))?.toString().trim()
      : undefined
    if (top === undefined || depth > maxDepth) {
      found.push({ path, state: 'not checked out', isNested: false, isOther: false, files: [] })
      continue
    }
    const { files, submodules: inner } = await listFiles(folder, git)
    const under = (name: Buffer) => Buffer.concat([Buffer.from(`${path}/`), name])
    const placed = (await withPointers(folder, files, git)).map((file) => ({
      ...file,
      name: under(file.name),
    }))
    found.push({ path, state: 'read', isNested: false, isOther: top !== commit, files: placed })
    for (const one of await findSubmodules(folder, inner, git, depth + 1))
      found.push({
        ...one,
        path: `${path}/${one.path}`,
        isNested: true,
        files: one.files.map((file) => ({ ...file, name: under(file.name) })),
      })
  }
  return found
}

/** A folder that is no repository answers for the one around it. */
async function isThere(folder: string, git: Git): Promise<boolean> {
  try {
    const prefix = await git(folder, ['rev-parse', '--show-prefix'])
    return prefix !== undefined && prefix.toString().trim() === ''
  } catch (error) {
    // Its folder is not there.
    if (error instanceof Error && /cannot change to/.test(error.message)) return false
    throw error
  }
}

interface CopyWithSubmodules {
  readonly files: string
  readonly entries: readonly { readonly path: string; readonly sizeBytes: number }[]
  readonly remote: string
  readonly submodules: readonly FoundSubmodule[]
}

/** @throws TaskError `submodule-invalid`, `repository-url`: what a build says of how they are declared. */
export async function requireDeclared(
  { files, entries, remote, submodules }: CopyWithSubmodules,
  git: Git,
): Promise<void> {
  const pins = submodules.filter(({ isNested }) => !isNested)
  if (pins.length === 0) return
  requireGitmodules(
    pins,
    entries.find(({ path }) => path === '.gitmodules'),
  )
  const file = join(files, '.gitmodules')
  const listing = await git(files, ['config', '--no-includes', '--file', file, '--list', '-z'])
  const parent = targetOf(remote).host === '' ? undefined : remote
  // What an address leads to from here is known where it is known where "here" is.
  for (const { url } of pairSubmodules(pins, (listing ?? '').toString()))
    if (parent !== undefined || !url.startsWith('.')) resolveSubmoduleUrl(parent ?? '', url, sourceProtocols)
}
