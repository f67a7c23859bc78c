import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { groupBy } from '../../collections/group-by.ts'
import { isPointer, maxPointerBytes, pointerStart } from '../../files/lfs-pointer.ts'
import type { TreeFile } from './limits.ts'
import { replaced } from './odd-names.ts'

interface BlobEntry extends TreeFile {
  readonly kind: string
  /** Of its content. */
  readonly id: string
}

/** Of a pointer that has nothing but what it must have; without an attribute only these are looked at. */
const plainPointer = { atLeast: pointerStart.length + 'oid sha256:'.length + 64, atMost: 160 }

/**
 * Files of a checked-out commit that are pointers of Git LFS. What tells git of them may be nowhere in the commit; where
 * `.gitattributes` may say so, those of any length are found.
 */
export async function findPointers(
  directory: string,
  entries: readonly BlobEntry[],
  prefix: string,
): Promise<string[]> {
  const hasAttributes = entries.some(
    ({ path }) => path === '.gitattributes' || path.endsWith('/.gitattributes'),
  )
  const mayBe = ({ kind, path, sizeBytes }: BlobEntry) =>
    kind === 'file' &&
    sizeBytes >= plainPointer.atLeast &&
    sizeBytes < (hasAttributes ? maxPointerBytes : plainPointer.atMost) &&
    !path.includes(replaced)
  const found: string[] = []
  // Each content once: repositories have many small files that are the same.
  for (const same of groupBy(entries.filter(mayBe), ({ id }) => id).values())
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
