import { join } from 'node:path'
import type { AgentConfig } from '../config.ts'
import { removeBuildNetwork } from '../containers/build-network.ts'
import { createDockerHost } from '../containers/docker.ts'
import { reopenHostTo } from '../containers/firewall.ts'
import { createIdentityStore } from '../link/identity.ts'
import { openStateDatabase, stateFile } from '../link/state-database.ts'
import { destroyPool, openPool } from '../storage/create-pool.ts'
import { listNames } from '../storage/durable.ts'
import { knownPool } from '../storage/own-pool.ts'
import type { Pool } from '../storage/pool.ts'
import { removeOwnDirectory } from './own-directory.ts'
import { removeFromDocker, requireNoEnvironments, requireNoStrangers } from './own-docker.ts'

export interface UninstallOptions {
  /** Environments that are left go as well: for a host whose server is no more. */
  readonly withEnvironments: boolean
}

/**
 * Removes from this host what its agent made: containers, networks, firewall rules, the pool with all data in it, its own
 * directory. Nothing is removed before all is known to be right: which agent it is, that it does not run, that Docker answers,
 * that no environment is left, and that nobody else works on its files. Data go only once they are unmounted, and the identity,
 * which says what is whose, is the last: what was begun can be done again.
 *
 * @returns names of what else is in the agent's directory, and stays.
 */
export async function uninstallAgent(config: AgentConfig, options: UninstallOptions): Promise<string[]> {
  const agentId = requireAgentId(config.directory)
  const state = requireStopped(config.directory)
  try {
    await requireOwnPool(config)
    const host = createDockerHost({ agentId, socketPath: config.dockerSocket, networkRange: config.subnet })
    await requireNoStrangers(host, [config.poolDirectory, config.directory])
    const pool = await findPool(config.poolDirectory)
    if (!options.withEnvironments) await requireNoEnvironments(host, pool)
    await removeFromDocker(host)
    await reopenHostTo(config.subnet)
    await removeBuildNetwork(host)
    if (pool) await destroy(pool)
  } finally {
    state.close()
  }
  return await removeOwnDirectory(config.directory)
}

/** Without it nobody knows which containers are this agent's, and so whether the pool is in use. */
function requireAgentId(directory: string): string {
  const hostId = createIdentityStore(directory).read()?.hostId.trim()
  if (hostId) return hostId
  throw new Error(
    `There is no identity in ${directory}, so nobody can tell what on this host is its agent's, and nothing was removed. ` +
      'Is FAIRWAY_AGENT_DIR that of the agent? If the identity is lost: `docker ps --all --filter label=fairway.agent` shows ' +
      'containers of agents; remove those of this one, unmount the pool, and delete it by hand.',
  )
}

/** Open until all but the directory is gone: an agent that is started meanwhile ends at once. */
function requireStopped(directory: string) {
  try {
    return openStateDatabase(join(directory, stateFile), { busyMs: 0 })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `The agent of ${directory} still runs, or its journal cannot be opened (${why}): \`systemctl stop fairway-agent\` first. Nothing was removed.`,
      { cause: error },
    )
  }
}

async function requireOwnPool({ directory, poolDirectory }: AgentConfig): Promise<void> {
  const known = await knownPool(directory)
  if (known !== '' && known !== poolDirectory)
    throw new Error(
      `The pool of this agent is ${known}, and FAIRWAY_POOL says ${poolDirectory}: say this with the settings that the agent has (/etc/fairway/agent.env). Nothing was removed.`,
    )
}

/** A folder that is empty or not there is none; one with something else in it is no pool, and throws. */
const findPool = async (path: string): Promise<Pool | undefined> =>
  (await listNames(path)).length > 0 ? await openPool(path) : undefined

async function destroy(pool: Pool): Promise<void> {
  try {
    await destroyPool(pool.root)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `The pool could not be removed (${why}). Where it is busy, something works in it: a shell, a copy. End that and say this again.`,
      { cause: error },
    )
  }
}
