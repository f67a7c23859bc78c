import { mkdir, rm } from 'node:fs/promises'
import type { Git } from '../git/command.ts'
import { TaskError } from '../tasks/task.ts'

/** Sizes of blobs of a repository, by id, in bytes. */
export async function sizesOf(
  git: Git,
  gitDir: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const { stdout } = await git(['cat-file', '--batch-check=%(objectname) %(objectsize)'], {
    gitDir,
    signal,
    input: `${ids.join('\n')}\n`,
    keepBytes: ids.length * 100,
  })
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [id = '', size = ''] = line.split(' ')
      return /^\d+$/.test(size) ? [[id, Number(size)] as const] : []
    }),
  )
}

/** Puts blobs into the folder, which may not be there yet, each as a file that is called by its id. */
export async function placeBlobs(
  git: Git,
  gitDir: string,
  ids: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const indexFile = `${folder}.index`
  const options = { gitDir, workTree: folder, indexFile, signal }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const entries = ids.map((id) => `100644 ${requireId(id)} 0\t${id}\n`).join('')
    await git(['update-index', '--index-info'], { ...options, input: entries })
    await git(['checkout-index', '--all', '--force', '--quiet'], options)
  } finally {
    await rm(indexFile, { force: true })
  }
}

function requireId(id: string): string {
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(id)) return id
  throw new TaskError('repository-invalid', `git named a blob ${JSON.stringify(id.slice(0, 80))}`)
}
