import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'
import type { TreeEntry } from './tree.ts'
import { type GitProtocol, resolveSubmoduleUrl } from './url.ts'

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
  if (!file)
    throw new TaskError('submodule-invalid', `${pins[0]!.path} is a submodule, but there is no .gitmodules`)
  if (file.sizeBytes > 256 * 1024)
    throw new TaskError('submodule-invalid', '.gitmodules is larger than 256 KiB')
  const { stdout } = await git(['config', '--no-includes', '--blob', file.id, '--list', '-z'], {
    gitDir: source.gitDir,
    signal,
    keepBytes: 1024 * 1024,
  })
  const urls = parseGitmodules(stdout)
  return pins.map(({ path, id }) => {
    const url = urls.get(path)
    if (url === undefined)
      throw new TaskError(
        'submodule-invalid',
        `${path} is a submodule, but .gitmodules gives no address for it`,
      )
    return { path, commit: id, url: resolveSubmoduleUrl(source.url, url, protocols) }
  })
}

/** Path → url, from the output of `git config --list -z`. */
function parseGitmodules(listing: string): Map<string, string> {
  const sections = new Map<string, { path?: string; url?: string }>()
  for (const item of listing.split('\0')) {
    const match = /^submodule\.([\s\S]+)\.(path|url)\n([\s\S]*)$/.exec(item)
    if (!match) continue
    const [, name = '', key, value = ''] = match
    if (name.split('/').includes('..'))
      throw new TaskError('submodule-invalid', '.gitmodules names a submodule outside of the repository')
    const section = sections.get(name) ?? {}
    sections.set(name, { ...section, [key as 'path' | 'url']: value })
  }
  const urls = new Map<string, string>()
  for (const { path, url } of sections.values())
    if (path !== undefined && url !== undefined) urls.set(path, url)
  return urls
}
