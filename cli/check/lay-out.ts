import { constants, copyFileSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type ListedFile, pathOf } from './listed-files.ts'

const atOnce = 64

/**
 * Puts files into an empty folder as a push would have them, next to nothing else. They are copies, which cost nothing where
 * the file system can share what is in them: a second name would change when a file was changed last, by which git knows that
 * it need not be read again. Most are small: to wait for each would take longer than to copy it.
 */
export async function layOut(
  files: readonly ListedFile[],
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const made = new Set<string>()
  for (const { name } of files) {
    const folder = name.subarray(0, Math.max(0, name.lastIndexOf(47)))
    const key = folder.toString('latin1')
    if (folder.length === 0 || made.has(key)) continue
    made.add(key)
    mkdirSync(pathOf(to, folder), { recursive: true })
  }
  for (let at = 0; at < files.length; at += atOnce) {
    signal.throwIfAborted()
    for (const file of files.slice(at, at + atOnce)) layOne(file)
    await setImmediate()
  }

  function layOne(file: ListedFile): void {
    const [source, target] = [pathOf(from, file.name), pathOf(to, file.name)]
    if (file.content) writeFileSync(target, file.content)
    else if (file.kind === 'link') symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target)
    else copyFileSync(source, target, constants.COPYFILE_FICLONE)
  }
}
