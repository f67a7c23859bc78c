import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findRunning, startDaemon } from './daemon.ts'
import { ensureDebianBinary } from './debian-binary.ts'
import { homeDirectory } from './home.ts'
import { step } from './progress.ts'
import { waitFor } from './wait-for.ts'

/** Docker speaks plain HTTP to registries on loopback. */
export const registryAddress = '127.0.0.1:5000'

/** Make sure that a registry answers on 127.0.0.1:5000; one that runs already is left as it is. */
export async function ensureRegistry(signal?: AbortSignal): Promise<string> {
  if (await registryAnswers()) return registryAddress
  const program = await ensureDebianBinary({
    package: 'docker-registry',
    suite: 'trixie',
    path: 'usr/bin/docker-registry',
  })
  await step('start the registry', () => startRegistry(program, signal))
  return registryAddress
}

async function startRegistry(program: string, signal?: AbortSignal): Promise<void> {
  const directory = homeDirectory('registry')
  const configFile = join(directory, 'config.yml')
  const logFile = join(directory, 'registry.log')
  const pidFile = join(directory, 'registry.pid')
  await writeFile(configFile, configuration(homeDirectory('registry', 'data')))
  let requireAlive = async () => {}
  if (!(await findRunning(pidFile, 'docker-registry'))) {
    const args = ['serve', configFile]
    requireAlive = (await startDaemon({ program, args, logFile, pidFile })).requireAlive
  }
  await waitFor(
    async () => {
      await requireAlive()
      return registryAnswers()
    },
    () => `the registry does not answer on ${registryAddress} after 15 s: see ${logFile}`,
    { deadlineMs: 15_000, signal },
  )
}

const configuration = (dataDirectory: string) => `\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${dataDirectory}
  delete:
    enabled: true
http:
  addr: ${registryAddress}
`

async function registryAnswers(): Promise<boolean> {
  try {
    const response = await fetch(`http://${registryAddress}/v2/`, { signal: AbortSignal.timeout(2_000) })
    if (response.ok) return true
    throw new Error(
      `${registryAddress} is taken by something that is not a registry (HTTP ${response.status}): stop it`,
    )
  } catch (error) {
    // fetch reports everything below HTTP as TypeError
    if (error instanceof TypeError || (error as Error).name === 'TimeoutError') return false
    throw error
  }
}
