import { isPointer, maxPointerBytes, pointerStart } from '../../lib/files/lfs-pointer.ts'
import { type Git, splitZero } from './git.ts'
import type { ListedFile } from './listed-files.ts'

/**
 * Files as a push takes them along: of those that Git LFS has, the working copy shows the whole, and git keeps pointers. What
 * other filters make of theirs is not known without them, and said of each.
 */
export async function withPointers(
  folder: string,
  files: readonly ListedFile[],
  git: Git,
): Promise<readonly ListedFile[]> {
  const filters = await findFilters(folder, files, git)
  if (filters.size === 0) return files
  const isInstalled = ((await git(folder, ['config', '--get', 'filter.lfs.clean'])) ?? '').length > 0
  const small = await readSmall(
    folder,
    files.filter((file) => filters.get(file) === 'lfs'),
    git,
  )
  return files.map((file) => {
    const filter = filters.get(file)
    if (filter === undefined) return file
    if (filter === 'other') return { ...file, isRewritten: true }
    const kept = file.blob === undefined ? undefined : (small.get(file.blob) ?? Buffer.alloc(0))
    const isKept = kept ? isPointer(kept) : isInstalled
    const content = isKept ? (kept ?? pointerTo(file)) : undefined
    return content ? { ...file, content, sizeBytes: content.byteLength } : file
  })
}

/** Beside line ends, these are all by which git changes what it takes in: gitattributes(5). */
const rewriting = ['filter', 'ident', 'working-tree-encoding']
const unsaid = new Set(['unspecified', 'unset'])

async function findFilters(
  folder: string,
  files: readonly ListedFile[],
  git: Git,
): Promise<ReadonlyMap<ListedFile, 'lfs' | 'other'>> {
  const hasAttributes = files.some(({ name }) => /(^|\/)\.gitattributes$/.test(name.toString('latin1')))
  if (!hasAttributes) return new Map()
  const names = Buffer.concat(files.flatMap(({ name }) => [name, Buffer.of(0)]))
  const answer = await git(folder, ['check-attr', '-z', '--stdin', ...rewriting], names)
  const filters = new Map<string, 'lfs' | 'other'>()
  const words = [...splitZero(answer ?? Buffer.alloc(0))].map((word) => word.toString('latin1'))
  for (let at = 0; at + 2 < words.length; at += 3) {
    const [name = '', attribute, value = ''] = words.slice(at, at + 3)
    if (attribute === 'filter' && value === 'lfs') filters.set(name, 'lfs')
    else if (!unsaid.has(value) && !filters.has(name)) filters.set(name, 'other')
  }
  const found = new Map<ListedFile, 'lfs' | 'other'>()
  for (const file of files) {
    const filter = file.kind === 'file' ? filters.get(file.name.toString('latin1')) : undefined
    if (filter) found.set(file, filter)
  }
  return found
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
