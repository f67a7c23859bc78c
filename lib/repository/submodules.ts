import { TaskError } from '../faults/task-error.ts'

/** @throws TaskError `submodule-invalid` for submodules without the file that says where they are, or one too large. */
export function requireGitmodules(
  [first]: readonly { readonly path: string }[],
  file: { readonly sizeBytes: number } | undefined,
): asserts file {
  if (!file)
    throw new TaskError('submodule-invalid', `${first?.path} is a submodule, but there is no .gitmodules`)
  if (file.sizeBytes > 256 * 1024)
    throw new TaskError('submodule-invalid', '.gitmodules is larger than 256 KiB')
}

/**
 * Submodules with their addresses as .gitmodules has them. `listing`: what `git config --list -z` says of it.
 *
 * @throws TaskError `submodule-invalid` for one without an address.
 */
export function pairSubmodules<P extends { readonly path: string }>(
  pins: readonly P[],
  listing: string,
): (P & { readonly url: string })[] {
  const urls = parseGitmodules(listing)
  return pins.map((pin) => {
    const url = urls.get(pin.path)
    if (url === undefined)
      throw new TaskError(
        'submodule-invalid',
        `${pin.path} is a submodule, but .gitmodules gives no address for it`,
      )
    return { ...pin, url }
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
