import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import type { Findings } from './findings.ts'

/**
 * What checks keep for later ones, below the cache directory. None of it is needed: where it cannot be read or written, that is
 * said once and the check goes on.
 */
export interface Memory {
  readonly folder: string
  /** Undefined where the system does not let it. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>
}

export function openMemory(cacheHome: string, { add }: Pick<Findings, 'add'>): Memory {
  const folder = join(cacheHome, 'fairway')
  return {
    folder,
    async attempt(work) {
      try {
        return await work()
      } catch (error) {
        const why = findSystemFault(error)
        if (why === undefined) throw error
        add('note', `nothing can be remembered below ${folder}: ${why}; XDG_CACHE_HOME names another place`)
        return undefined
      }
    },
  }
}

/** What the operating system refused, for people: `read-only file system`; undefined for any other error. */
export function findSystemFault(error: unknown): string | undefined {
  const { errno } = error as NodeJS.ErrnoException
  return typeof errno === 'number' ? getSystemErrorMap().get(errno)?.[1] : undefined
}

/** With those above it. Node's own `recursive` never ends where what is above takes no folder, as in /proc. */
export async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: 0o700 })
  try {
    await make()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await make().catch(unlessThere)
  }
}

/** Somebody else was quicker. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** Empty where there is no such file. */
export async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Whole or not at all: another check may read it meanwhile. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await makeFolder(dirname(path))
  const whole = `${path}.${process.pid}`
  try {
    await writeFile(whole, content, { mode: 0o600 })
    await rename(whole, path)
  } catch (error) {
    await rm(whole, { force: true })
    throw error
  }
}
