import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isPointer, maxPointerBytes, pointerStart } from '../lfs-pointer.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'
import type { TreeEntry } from './tree.ts'

export interface OddName {
  /** As far as it can be told in UTF-8. */
  path: string
  /** With its odd bytes as `\xe9`. */
  shown: string
}

const replaced = '\ufffd'

/** The entries of a commit's tree whose names are not UTF-8: old Windows wrote them so, and git keeps any bytes. */
export async function listOddNames(
  git: Git,
  source: FetchedCommit,
  entries: readonly TreeEntry[],
  prefix: string,
  signal: AbortSignal,
): Promise<OddName[]> {
  if (!entries.some(({ path }) => path.includes(replaced))) return []
  // Without -z git writes bytes beyond ASCII as `\351`, in quotes.
  const args = ['-c', 'core.quotePath=true', 'ls-tree', '-r', '--name-only', '--full-tree', source.commit]
  const { stdout } = await git(args, { gitDir: source.gitDir, signal, keepBytes: 64 * 1024 ** 2 })
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('"')) return []
    const bytes = unquote(line.slice(1, -1))
    const path = bytes.toString('utf8')
    if (Buffer.from(path).equals(bytes)) return []
    return [{ path: prefix + path, shown: prefix + readable(bytes) }]
  })
}

const escapes: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unquote(text: string): Buffer {
  const plain = text.replace(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, other: string) =>
    octal ? String.fromCharCode(Number.parseInt(octal, 8)) : (escapes[other] ?? other),
  )
  return Buffer.from(plain, 'latin1')
}

/** What is UTF-8 as it is, other bytes by their numbers. */
function readable(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((size) => !bytes.toString('utf8', at, at + size).includes(replaced))
    if (length === undefined) text += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`
    else text += bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return text
}

/** Of a pointer that has nothing but what it must have; without an attribute only these are looked at. */
const plainPointer = { atLeast: pointerStart.length + 'oid sha256:'.length + 64, atMost: 160 }

/**
 * Files of a checked-out commit that are pointers of Git LFS. What tells git of them may be nowhere in the commit; where
 * `.gitattributes` may say so, those of any length are found.
 */
export async function findPointers(
  directory: string,
  entries: readonly TreeEntry[],
  prefix: string,
): Promise<string[]> {
  const hasAttributes = entries.some(
    ({ path }) => path === '.gitattributes' || path.endsWith('/.gitattributes'),
  )
  const mayBe = ({ kind, path, sizeBytes }: TreeEntry) =>
    kind === 'file' &&
    sizeBytes >= plainPointer.atLeast &&
    sizeBytes < (hasAttributes ? maxPointerBytes : plainPointer.atMost) &&
    !path.includes(replaced)
  const found: string[] = []
  // Each content once: repositories have many small files that are the same.
  for (const same of Map.groupBy(entries.filter(mayBe), ({ id }) => id).values())
    if (await beginsAsPointer(join(directory, prefix, same[0]!.path)))
      found.push(...same.map(({ path }) => prefix + path))
  return found.sort()
}

async function beginsAsPointer(path: string): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(pointerStart.length),
      0,
      pointerStart.length,
      0,
    )
    return isPointer(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}
