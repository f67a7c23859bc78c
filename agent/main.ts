import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { parseConfig } from './config.ts'

const help = `fairway-agent: runs Fairway's tasks on this host

  fairway-agent join --server <host:port>[,<host:port>…] --token <token> [--name <host name>]
      Joins this host with a one-time token, as \`fairway host join-token\` prints it.
  fairway-agent run
      Serves until SIGTERM: then no new work, a grace for what runs, exit 0. Containers stay up.
  fairway-agent pool create [--path <directory>] [--loop <size, for instance 40G>] [--filesystem btrfs|xfs]
      Makes the storage pool, before the first run; with --loop in a sparse file of that size.
  fairway-agent checkpoint [--forget]
      Prints the newest checkpoint of the audit log that this host keeps, for \`fairway audit verify --checkpoint\`; exit 1
      when there is none, or when a later one was refused. --forget: after a change of keys or a restored database.
  fairway-agent uninstall --yes [--with-environments]
      Removes from this host what its agent made, with the pool and all data in it. Refuses while the agent runs, Docker does
      not answer, the pool is in use, or environments are left; --with-environments: they go as well.
  fairway-agent --version | --help

Configuration is in the environment: FAIRWAY_AGENT_DIR, FAIRWAY_POOL, FAIRWAY_PROXY, FAIRWAY_SUBNET, … (docs/configuration.md)
`

/** A command that was put wrongly. */
class UsageError extends Error {}

async function main(): Promise<void> {
  const { positionals, values } = parse(process.argv.slice(2))
  const [command, ...rest] = positionals
  if (values.help) return void process.stdout.write(help)
  if (values.version) {
    const { version } = await import('./version.ts')
    return void process.stdout.write(`${version}\n`)
  }
  const config = parseConfig(process.env)
  // Each command loads what it needs: a resident agent should not carry the others' libraries.
  if (command === 'run' && rest.length === 0) {
    const { runAgent } = await import('./run.ts')
    return await runAgent(config, untilTold())
  }
  const [token = values.token, ...more] = rest
  if (command === 'join' && token && values.server && more.length === 0) {
    const { join } = await import('./join.ts')
    const servers = values.server.split(',').filter(Boolean)
    const identity = await join(config, { token, servers, hostName: values.name ?? shortHostName() })
    return void process.stdout.write(
      `Joined as ${identity.hostName} (${identity.hostId}). Start it: fairway-agent run\n`,
    )
  }
  if (command === 'pool' && rest[0] === 'create' && rest.length === 1) {
    const { createPool } = await import('./storage/create-pool.ts')
    const { filesystem } = values
    if (filesystem !== undefined && filesystem !== 'btrfs' && filesystem !== 'xfs') {
      throw new UsageError('--filesystem is btrfs or xfs')
    }
    const path = values.path ?? config.poolDirectory
    const loopBytes = values.loop === undefined ? undefined : parseSize(values.loop)
    const pool = await createPool({ path, loopBytes, filesystem })
    return void process.stdout.write(`Pool made at ${path} (driver ${pool.driver.name})\n`)
  }
  if (command === 'checkpoint' && rest.length === 0) {
    const { showCheckpoint } = await import('./show-checkpoint.ts')
    const { note, remarks, exitCode } = showCheckpoint(config.directory, { forget: values.forget === true })
    process.stdout.write(note)
    process.stderr.write(remarks)
    process.exitCode = exitCode
    return
  }
  if (command === 'uninstall' && rest.length === 0) {
    if (!values.yes)
      throw new UsageError(
        `This removes ${config.poolDirectory} and ${config.directory}, with all data of this host's environments: say --yes if that is meant`,
      )
    const { uninstallAgent } = await import('./uninstall/uninstall.ts')
    const withEnvironments = values['with-environments'] === true
    const left = await uninstallAgent(config, { withEnvironments })
    const but = left.length > 0 ? `, but for what is not the agent's: ${left.join(', ')}` : ''
    return void process.stdout.write(`Removed: ${config.poolDirectory} and ${config.directory}${but}\n`)
  }
  throw new UsageError(command ? `I do not understand: ${process.argv.slice(2).join(' ')}` : 'Which command?')
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
        server: { type: 'string' },
        name: { type: 'string' },
        token: { type: 'string' },
        path: { type: 'string' },
        loop: { type: 'string' },
        filesystem: { type: 'string' },
        forget: { type: 'boolean' },
        yes: { type: 'boolean' },
        'with-environments': { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const units = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

function parseSize(text: string): number {
  const match = /^(\d+)([KMGT]?)i?B?$/.exec(text)
  if (!match) throw new UsageError(`${text} is no size: write it like 40G`)
  return Number(match[1]) * units[match[2] as keyof typeof units]
}

const shortHostName = () => hostname().split('.', 1)[0]!.toLowerCase()

/** Aborted by SIGTERM or SIGINT. */
function untilTold(): AbortSignal {
  const told = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => told.abort())
  return told.signal
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`fairway-agent: ${text}\n${usage ? `\n${help}` : ''}`)
  process.exitCode = usage ? 2 : 1
})
