import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfThere } from '../../lib/files/lstat-if-there.ts'
import type { Git } from './command.ts'

// Contents arrive as they were committed: no filters, no line ending or encoding conversion, whatever .gitattributes says.
const verbatim = '* -text !eol -ident -filter !working-tree-encoding\n'

/** Makes the bare repository of a mirror, or frees it of what a fetch that was killed has left. */
export async function prepareMirror(git: Git, gitDir: string, signal: AbortSignal): Promise<void> {
  const attributes = join(gitDir, 'info', 'attributes')
  if (await lstatIfThere(attributes)) return removeLeft(gitDir)
  await mkdir(gitDir, { recursive: true, mode: 0o700 })
  await git(['init', '--quiet', '--bare', '--template='], { gitDir, signal })
  await mkdir(join(gitDir, 'info'), { recursive: true })
  await writeFile(attributes, verbatim)
}

/**
 * Locks, and packs that were still coming, which nothing else of git takes away and which count in the mirror's size. Nobody
 * else works here, the queue of the mirrors sees to that.
 */
async function removeLeft(gitDir: string): Promise<void> {
  const refs = await readdir(join(gitDir, 'refs'), { recursive: true })
  const locked = refs.filter((name) => name.endsWith('.lock')).map((name) => `refs/${name}`)
  for (const name of ['shallow.lock', 'packed-refs.lock', ...locked])
    await rm(join(gitDir, name), { force: true })
  const packs = join(gitDir, 'objects', 'pack')
  for (const name of await readdir(packs)) if (/^\.?tmp[_-]/.test(name)) await rm(join(packs, name))
}

/** git has no limit for what it fetches: looks once a second, and aborts. */
export function watchSize(
  directory: string,
  maxBytes: number,
  reason: Error,
): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const timer = setInterval(async () => {
    try {
      let bytes = 0
      for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size
      if (bytes > maxBytes) controller.abort(reason)
    } catch (error) {
      // Packs come and go while git works.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') controller.abort(error)
    }
  }, 1000)
  return { signal: controller.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
