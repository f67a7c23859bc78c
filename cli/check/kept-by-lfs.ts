import { isPointer, maxPointerBytes, pointerStart } from '../../lib/files/lfs-pointer.ts'
import { type Git, splitZero } from './git.ts'
import type { ListedFile } from './listed-files.ts'

/**
 * Files as a push takes them along: of those that Git LFS has, the working copy shows the whole, and git keeps pointers.
 */
export async function withPointers(
  folder: string,
  files: readonly ListedFile[],
  git: Git,
): Promise<readonly ListedFile[]> {
  const filtered = await findFiltered(folder, files, git)
  if (filtered.length === 0) return files
  const isInstalled = ((await git(folder, ['config', '--get', 'filter.lfs.clean'])) ?? '').length > 0
  const small = await readSmall(folder, filtered, git)
  const isFiltered = new Set(filtered)
  return files.map((file) => {
    if (!isFiltered.has(file)) return file
    const kept = file.blob === undefined ? undefined : (small.get(file.blob) ?? Buffer.alloc(0))
    const isKept = kept ? isPointer(kept) : isInstalled
    const content = isKept ? (kept ?? pointerTo(file)) : undefined
    return content ? { ...file, content, sizeBytes: content.byteLength } : file
  })
}

async function findFiltered(folder: string, files: readonly ListedFile[], git: Git): Promise<ListedFile[]> {
  const hasAttributes = files.some(({ name }) => /(^|\/)\.gitattributes$/.test(name.toString('latin1')))
  if (!hasAttributes) return []
  const names = Buffer.concat(files.flatMap(({ name }) => [name, Buffer.of(0)]))
  const answer = await git(folder, ['check-attr', '-z', '--stdin', 'filter'], names)
  const lfs = new Set<string>()
  const words = [...splitZero(answer ?? Buffer.alloc(0))]
  for (let at = 0; at + 2 < words.length; at += 3)
    if (words[at + 2]!.toString() === 'lfs') lfs.add(words[at]!.toString('latin1'))
  return files.filter(({ kind, name }) => kind === 'file' && lfs.has(name.toString('latin1')))
}

/** Those of the index that may be pointers by their size. */
async function readSmall(
  folder: string,
  files: readonly ListedFile[],
  git: Git,
): Promise<Map<string, Uint8Array>> {
  const ids = [...new Set(files.flatMap(({ blob }) => blob ?? []))]
  const linesOf = (names: readonly string[]) => names.map((id) => `${id}\n`).join('')
  const sizes = await git(folder, ['cat-file', '--batch-check=%(objectname) %(objectsize)'], linesOf(ids))
  const wanted = (sizes ?? '')
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [id = '', size = ''] = line.split(' ')
      return /^\d+$/.test(size) && Number(size) < maxPointerBytes ? [id] : []
    })
  const found = new Map<string, Uint8Array>()
  const output = (await git(folder, ['cat-file', '--batch'], linesOf(wanted))) ?? Buffer.alloc(0)
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at)
    const [id = '', , size = '0'] = output.toString('latin1', at, end).split(' ')
    found.set(id, output.subarray(end + 1, end + 1 + Number(size)))
    at = end + 1 + Number(size) + 1
  }
  return found
}

const pointerTo = ({ sizeBytes }: ListedFile) =>
  Buffer.from(`${pointerStart}oid sha256:${'0'.repeat(64)}\nsize ${sizeBytes}\n`)
