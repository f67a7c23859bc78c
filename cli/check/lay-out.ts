import { constants } from 'node:fs'
import { copyFile, mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { type ListedFile, pathOf } from './listed-files.ts'

const atOnce = 64

/**
 * Puts files into an empty folder as a push would have them, next to nothing else. They are copies, which cost nothing where
 * the file system can share what is in them: a second name would change when a file was changed last, by which git knows that
 * it need not be read again.
 */
export async function layOut(
  files: readonly ListedFile[],
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(to, { recursive: true })
  const made = new Set<string>()
  for (const { name } of files) {
    const folder = name.subarray(0, Math.max(0, name.lastIndexOf(47)))
    const key = folder.toString('latin1')
    if (folder.length === 0 || made.has(key)) continue
    made.add(key)
    await mkdir(pathOf(to, folder), { recursive: true })
  }
  for (let at = 0; at < files.length; at += atOnce) {
    signal.throwIfAborted()
    await Promise.all(files.slice(at, at + atOnce).map(layOne))
  }

  async function layOne(file: ListedFile): Promise<void> {
    const [source, target] = [pathOf(from, file.name), pathOf(to, file.name)]
    if (file.content) return await writeFile(target, file.content)
    if (file.kind === 'link') return await symlink(await readlink(source, { encoding: 'buffer' }), target)
    await copyFile(source, target, constants.COPYFILE_FICLONE)
  }
}
