import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stack } from '../../packaging/dev/demo/stack.ts'
import { home } from '../../packaging/dev/home.ts'
import { ensurePool, removePool } from '../../packaging/dev/pool.ts'
import { readMasterKey } from '../../server/master-key.ts'
import { createSealer } from '../../server/sealer.ts'
import { freePort, query } from './postgres.ts'

export interface TestStack {
  readonly stack: Stack
  /** Ids of the cells in the agent's pool, sorted. */
  cellsOnDisk(): Promise<string[]>
  /** Asks the control plane's database behind the server's back. */
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>
  /** The database's URL, for another server on it. */
  databaseUrl(): string
  /** Ends and removes everything, keeps the logs below test/.logs. */
  close(): Promise<void>
}

const logs = fileURLToPath(new URL('../.logs/', import.meta.url))
const subnets: Record<string, string> = {
  e2e: '10.214.0.0/16',
  faults: '10.215.0.0/16',
  bench: '10.216.0.0/16',
  canary: '10.217.0.0/16',
  governance: '10.218.0.0/16',
  releases: '10.219.0.0/16',
  repositories: '10.222.0.0/16',
  survival: '10.221.0.0/16',
}

export interface TestStackOptions {
  /** More for the server's and the agent's environment. */
  readonly env?: Record<string, string>
  /** Where agents reach the server; any free port where it is left out. */
  readonly linkPort?: number
  /** Of its pool, a sparse file. */
  readonly poolGiB?: number
}

/** A Fairway of its own for a test file: server, agent, pool, ports, networks. */
export async function startTestStack(
  name: string,
  { env = {}, linkPort, poolGiB = 20 }: TestStackOptions = {},
): Promise<TestStack> {
  const pool = { name: `${name}-pool`, filesystem: 'btrfs', sizeBytes: poolGiB * 2 ** 30 } as const
  const directory = join(home, name)
  const [api, link, postgres, git, proxy] = await Promise.all([0, 0, 0, 0, 0].map(freePort))
  const ports = { api, link: linkPort ?? link, postgres, git, proxy } as Stack['options']['ports']
  const subnet = subnets[name]
  if (!subnet) throw new Error(`no subnet is set apart for ${name}`)
  // What a test finds in a pool is what it has put there, unless it wants bases.
  const ours = { FAIRWAY_BASE_IDLE_SECONDS: '0', ...env }
  const describe = (path: string) => new Stack({ directory, pool: path, ports, subnet, env: ours })

  const close = async (stack: Stack) => {
    await stack.stop()
    await stack.removeContainers()
    await stack.removeFirewallRule()
    await removePool(pool)
    await keepLogs(directory, name)
    await stack.removeFiles()
  }
  // What an earlier run, killed in the middle, may have left.
  await close(describe(join(home, pool.name)))
  const stack = describe(await ensurePool(pool))
  try {
    await stack.startServer()
    await stack.startAgent()
  } catch (error) {
    await close(stack)
    throw error
  }
  const databaseUrl = () => {
    const sealer = createSealer(readMasterKey({ masterKeyFile: join(directory, 'server', 'master.key') }))
    return `postgres://fairway_owner:${sealer.derive('postgres-owner')}@127.0.0.1:${ports.postgres}/fairway`
  }
  return {
    stack,
    databaseUrl,
    query: (text, values) => query(databaseUrl(), text, values),
    cellsOnDisk: async () => (await readdir(join(stack.options.pool, 'cells'))).sort(),
    close: () => close(stack),
  }
}

async function keepLogs(directory: string, name: string): Promise<void> {
  const kept = join(logs, name)
  await mkdir(kept, { recursive: true })
  const files = await readdir(directory).catch(() => [])
  for (const file of files.filter((each) => each.endsWith('.log'))) {
    await copyFile(join(directory, file), join(kept, file))
  }
}
