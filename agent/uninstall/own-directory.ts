import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stateFile } from '../link/state-database.ts'
import { listNames } from '../storage/durable.ts'
import { poolPathFile } from '../storage/own-pool.ts'
import { removeTree } from '../storage/tree/remove.ts'

const folders = ['git', 'proxy', 'work']
const identity = 'identity.json'
const files = [
  'checkpoint.json',
  poolPathFile,
  ...['', '-journal', '-shm', '-wal'].map((end) => stateFile + end),
]

/**
 * Removes what the agent keeps in its directory, the identity last, and the directory when nothing else is in it. By name:
 * somebody may have given it a directory that others use.
 *
 * @returns names of what else is there.
 */
export async function removeOwnDirectory(directory: string): Promise<string[]> {
  for (const name of folders) await removeTree(join(directory, name))
  for (const name of [...files, identity])
    for (const end of ['.new', '']) await rm(join(directory, `${name}${end}`), { force: true })
  const left = await listNames(directory)
  if (left.length === 0) await rmdir(directory)
  return left
}
