import {
  type Declaration,
  invalidSources,
  isFolderName,
  maxFileBytes,
  maxSources,
  type SourceDefaults,
} from './declaration.ts'

export const ocaFileName = 'oca_dependencies.txt'

/**
 * Reads an oca_dependencies.txt: one repository a line, `name [url [branch [commit]]]`, and comments from a `#` on.
 * `file` is its name for people. Throws TaskError `sources-invalid` with the line.
 */
export function parseOcaDependencies(
  text: string,
  file: string,
  { series, pattern }: SourceDefaults,
): Declaration[] {
  if (Buffer.byteLength(text) > maxFileBytes) throw invalidSources(file, 'larger than 256 KiB')
  const declarations = new Map<string, Declaration>()
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const words = line.split(/\s+/).filter(Boolean)
    const comment = words.findIndex((word) => word.startsWith('#'))
    const [name, url, branch = series, commit = '', more] = comment < 0 ? words : words.slice(0, comment)
    if (name === undefined) continue
    const declaredIn = `${file}:${index + 1}`
    if (!isFolderName(name)) throw invalidSources(declaredIn, `${shown(name)} is no name of a repository`)
    if (more !== undefined)
      throw invalidSources(
        declaredIn,
        `${shown(more)} is too much: name, url, branch and commit are expected`,
      )
    if (commit !== '' && !/^[0-9a-f]{40}$/.test(commit))
      throw invalidSources(declaredIn, `${shown(commit)} is no full commit id of 40 characters`)
    // The first one holds, as it does for OCA's own tools.
    if (declarations.has(name)) continue
    const from = { url: url ?? pattern.replace('{}', name), ref: branch, commit }
    declarations.set(name, { folder: name, from: [from], declaredIn, recursive: true })
    if (declarations.size > maxSources) throw invalidSources(file, `more than ${maxSources} repositories`)
  }
  return [...declarations.values()]
}

const shown = (text: string) => JSON.stringify(text.slice(0, 80))
