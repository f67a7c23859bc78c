import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '../tasks/task.ts'
import { openOrCreatePool } from './create-pool.ts'
import { listNames, writeDurably } from './durable.ts'
import type { Pool } from './pool.ts'

/** Of the agent's directory. */
export const poolPathFile = 'pool-path'

/** Where the agent of this directory has had its pool; empty when it never had one. */
export const knownPool = (agentDirectory: string): Promise<string> =>
  readFile(join(agentDirectory, poolPathFile), 'utf8').catch(() => '')

/**
 * The pool that an agent works with. An empty directory becomes one only the first time: where this agent has had its
 * pool, an empty directory is a file system that is not mounted, and a new pool in it would look as if every cell were
 * gone, and their containers left over.
 *
 * @throws TaskError `pool-missing` when the pool it had is not there.
 */
export async function openOwnPool(agentDirectory: string, poolDirectory: string): Promise<Pool> {
  const memory = join(agentDirectory, poolPathFile)
  const known = await knownPool(agentDirectory)
  if (known === poolDirectory && !(await listNames(poolDirectory)).includes('pool.json')) {
    throw new TaskError(
      'pool-missing',
      `the pool of this agent was in ${poolDirectory} and is not there: mount its file system again ` +
        `(to begin with a new pool all the same, remove ${memory})`,
    )
  }
  const pool = await openOrCreatePool(poolDirectory)
  if (known !== poolDirectory) await writeDurably(memory, poolDirectory, 0o600)
  return pool
}
