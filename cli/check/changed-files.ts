import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readFile, readlink } from 'node:fs/promises'
import { type Git, splitZero } from './git.ts'
import { ifGone, type ListedFile, pathOf } from './listed-files.ts'
import type { WorkingCopy } from './working-copy.ts'

export interface Changes {
  /** The last commit, abbreviated; undefined where there is none. */
  readonly head: string | undefined
  /** Not as the last commit has them: changed, new, gone. */
  readonly changed: readonly string[]
  /** What the index has of them is what a filter made of something, of this or of something else. */
  readonly unknown: readonly string[]
  /** Git lacks what the last commit has. */
  readonly isPartial: boolean
}

const atOnce = 16

/**
 * How files differ from the last commit. Files are compared with the index without git, which runs commands of the
 * repository's configuration for that; that line ends alone differ is no difference, as git may have written them.
 */
export async function findChanges(
  { root, listed, missing }: Pick<WorkingCopy, 'root' | 'listed' | 'missing'>,
  git: Git,
): Promise<Changes> {
  const head = (await git(root, ['rev-parse', '--verify', '--quiet', '--short', 'HEAD']))?.toString().trim()
  // The index alone is compared: no file is read.
  const staged = head ? await git(root, ['diff-index', '--cached', ...namesOnly, 'HEAD', '--']) : undefined
  const changed = new Set(missing)
  for (const name of splitZero(staged ?? Buffer.alloc(0))) changed.add(name.toString())
  const unknown: string[] = []
  for (let at = 0; at < listed.length; at += atOnce) {
    const some = listed.slice(at, at + atOnce)
    const same = head ? await Promise.all(some.map((file) => isAsKept(root, file))) : []
    for (const [index, file] of some.entries()) {
      if (same[index]) continue
      if (head && file.isRewritten && file.blob !== undefined) unknown.push(file.name.toString())
      else changed.add(file.name.toString())
    }
  }
  return {
    head,
    changed: [...changed].sort(),
    unknown: unknown.filter((name) => !changed.has(name)),
    isPartial: head !== undefined && staged === undefined,
  }
}

const namesOnly = [
  '-z',
  '--name-only',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--ignore-submodules=dirty',
]

async function isAsKept(root: string, { blob, content, kind, name }: ListedFile): Promise<boolean> {
  if (blob === undefined) return false
  const path = pathOf(root, name)
  try {
    if (kind === 'link') return idOf(await readlink(path, { encoding: 'buffer' }), blob) === blob
    const told = content && readPointer(content)
    const { size } = await lstat(path)
    if (told && told.sizeBytes === size) return (await hashFile(path, createHash('sha256'))) === told.sha256
    if (size > wholeBytes) return (await hashFile(path, begun(size, blob))) === blob
    const whole = await readFile(path)
    return [whole, withPlainEnds(whole)].some((bytes) => idOf(bytes, blob) === blob)
  } catch (error) {
    ifGone(error as NodeJS.ErrnoException)
    return false
  }
}

const wholeBytes = 16 * 1024 ** 2

/** As git names a blob, by the same function of hashing as `like`. */
const idOf = (bytes: Uint8Array, like: string) => begun(bytes.byteLength, like).update(bytes).digest('hex')

const begun = (sizeBytes: number, like: string) =>
  createHash(like.length === 64 ? 'sha256' : 'sha1').update(`blob ${sizeBytes}\0`)

async function hashFile(path: Buffer, hash: ReturnType<typeof createHash>): Promise<string> {
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

const withPlainEnds = (bytes: Buffer) =>
  Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')

/** What a pointer of Git LFS stands for. */
function readPointer(content: Uint8Array): { sha256: string; sizeBytes: number } | undefined {
  const text = Buffer.from(content).toString('latin1')
  const [, sha256] = /^oid sha256:([0-9a-f]{64})$/m.exec(text) ?? []
  const [, size] = /^size (\d{1,15})$/m.exec(text) ?? []
  return sha256 && size ? { sha256, sizeBytes: Number(size) } : undefined
}
