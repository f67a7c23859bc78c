import { type GitProtocol, resolveSubmoduleUrl } from '../../lib/addresses/git-url.ts'
import { pairSubmodules, requireGitmodules } from '../../lib/repository/submodules.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'
import type { TreeEntry } from './tree.ts'

export interface SubmoduleLink {
  /** Inside its parent. */
  path: string
  url: string
  commit: string
}

/**
 * The submodules of a commit at their pinned commits, with the addresses of `.gitmodules`, of which only path and url
 * are read. Throws TaskError `submodule-invalid` for a pin without an address, `repository-url` for a refused address.
 */
export async function listSubmodules(
  git: Git,
  source: FetchedCommit,
  entries: readonly TreeEntry[],
  protocols: readonly GitProtocol[],
  signal: AbortSignal,
): Promise<SubmoduleLink[]> {
  const pins = entries.filter((entry) => entry.kind === 'submodule')
  if (pins.length === 0) return []
  const file = entries.find((entry) => entry.path === '.gitmodules' && entry.kind === 'file')
  requireGitmodules(pins, file)
  const { stdout } = await git(['config', '--no-includes', '--blob', file.id, '--list', '-z'], {
    gitDir: source.gitDir,
    signal,
    keepBytes: 1024 * 1024,
  })
  return pairSubmodules(pins, stdout).map(({ path, id, url }) => ({
    path,
    commit: id,
    url: resolveSubmoduleUrl(source.url, url, protocols),
  }))
}
