import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../command.ts'

const template = fileURLToPath(new URL('repository/', import.meta.url))

/** A developer's clone of the demo's repository. */
export interface Clone {
  readonly directory: string
  /** Changes a file (made where it is new) on a branch (made from main), commits; gives the commit id. */
  change(branch: string, file: string, change: (text: string) => string, message: string): Promise<string>
  /** Gives the commit id. */
  push(branch: string): Promise<string>
  /** Deletes the branch on the server. */
  remove(branch: string): Promise<void>
}

/** A clone with the two demo modules on main, not pushed yet. */
export async function createClone(directory: string, remote: string): Promise<Clone> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await cp(template, directory, { recursive: true })
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=Demo Developer', '-c', 'user.email=dev@example.org', ...args], {
      cwd: directory,
    })
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'origin', remote)
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'Add loyalty points, tiers and discounts')
  const exists = async (branch: string) => (await git('branch', '--list', branch)) !== ''
  return {
    directory,
    async change(branch, file, change, message) {
      await git('checkout', '--quiet', ...((await exists(branch)) ? [branch] : ['-b', branch, 'main']))
      const path = join(directory, file)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, change(await readIfThere(path)))
      await git('add', '--all')
      await git('commit', '--quiet', '-m', message)
      return (await git('rev-parse', 'HEAD')).trim()
    },
    async push(branch) {
      await git('push', '--quiet', '--force', 'origin', branch)
      return (await git('rev-parse', branch)).trim()
    },
    async remove(branch) {
      await git('push', '--quiet', 'origin', '--delete', branch)
    },
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
