import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileCount } from './records.ts'

export interface HashedFiles {
  /** A line for each file, as `sha256sum` writes it, in the order of their paths. */
  manifest: string
  count: FileCount
}

/**
 * Reads every file below a folder of `root`; paths in the manifest begin with the folder.
 *
 * @throws Error when there is anything but plain files and directories; `signal.reason` when aborted.
 */
export async function hashFiles(root: string, folder: string, signal: AbortSignal): Promise<HashedFiles> {
  const hashed: HashedFiles = { manifest: '', count: { files: 0, bytes: 0 } }
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`
    const { manifest, count } = entry.isDirectory()
      ? await hashFiles(root, path, signal)
      : await hashFile(root, path, signal)
    hashed.manifest += manifest
    hashed.count.files += count.files
    hashed.count.bytes += count.bytes
  }
  return hashed
}

async function hashFile(root: string, path: string, signal: AbortSignal): Promise<HashedFiles> {
  const file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is not a plain file`)
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of file.createReadStream({
      autoClose: false,
      highWaterMark: 256 * 1024,
      signal,
    })) {
      hash.update(chunk)
      bytes += chunk.length
    }
    return { manifest: formatLine(hash.digest('hex'), path), count: { files: 1, bytes } }
  } catch (error) {
    // A stream's own AbortError does not say why.
    signal.throwIfAborted()
    throw error
  } finally {
    await file.close()
  }
}

/** A leading backslash tells that the name is escaped. */
function formatLine(digest: string, path: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `${escaped === path ? '' : '\\'}${digest}  ${escaped}\n`
}
