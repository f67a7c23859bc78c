import { invalidSources, maxFileBytes } from './declaration.ts'

/** A word of one of Doodba's lists of packages. */
export interface ListedPackage {
  readonly name: string
  /** File and line. */
  readonly where: string
}

const maxPackages = 1000

/** Reads apt.txt and its like as Doodba's `Installer.requirements` does: words, and lines that begin with a #. */
export function parsePackageList(text: string, file: string): ListedPackage[] {
  if (Buffer.byteLength(text) > maxFileBytes) throw invalidSources(file, 'larger than 256 KiB')
  const found: ListedPackage[] = []
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const words = line.split(/\s+/).filter(Boolean)
    if (words[0]?.startsWith('#')) continue
    for (const name of words) found.push({ name, where: `${file}:${index + 1}` })
    if (found.length > maxPackages) throw invalidSources(file, `more than ${maxPackages} packages`)
  }
  return found
}
