import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { run } from './command.ts'
import { findRunning, startDaemon } from './daemon.ts'
import { ensurePackages } from './packages.ts'
import { step } from './progress.ts'
import { waitFor } from './wait-for.ts'

const socketPath = '/var/run/docker.sock'
const logFile = '/var/log/fairway-dockerd.log'
const settingsFile = '/etc/docker/daemon.json'

/** Containers outlive the daemon, and their logs can't fill the disk. */
const settings = {
  'live-restore': true,
  'log-driver': 'json-file',
  'log-opts': { 'max-size': '10m', 'max-file': '3' },
}

/** Make sure that a Docker daemon answers; one that runs already is left as it is. */
export async function ensureDocker(signal?: AbortSignal): Promise<void> {
  if (await dockerAnswers()) return
  if (!existsSync(settingsFile)) await writeSettings()
  await ensurePackages(['docker.io', 'iptables', 'ca-certificates', 'procps'])
  if (!(await hasClient())) await ensurePackages(['docker-cli'])
  await step('start the Docker daemon', () => startDocker(signal))
}

/** Debian 12 has the client in docker.io, later releases in a package of its own. */
async function hasClient(): Promise<boolean> {
  return (await run('sh', ['-c', 'command -v docker || true'])) !== ''
}

async function writeSettings(): Promise<void> {
  await mkdir('/etc/docker', { recursive: true })
  await writeFile(settingsFile, `${JSON.stringify(settings, null, 2)}\n`)
}

async function startDocker(signal?: AbortSignal): Promise<void> {
  const requireAlive = existsSync('/run/systemd/system') ? await startService() : await startByHand()
  await waitFor(
    async () => {
      await requireAlive()
      return dockerAnswers()
    },
    () =>
      `the Docker daemon does not answer on ${socketPath} after 60 s: see its log (${logFile}, or journalctl -u docker)`,
    { deadlineMs: 60_000, signal },
  )
}

async function startService(): Promise<() => Promise<void>> {
  await run('systemctl', ['enable', '--now', 'docker'])
  return async () => {}
}

/** Machines without systemd (containers, micro-VMs): the daemon in a session of its own. */
async function startByHand(): Promise<() => Promise<void>> {
  // its own check takes any live process with that number for a running daemon
  await findRunning('/var/run/docker/containerd/containerd.pid', 'containerd')
  if (await findRunning('/var/run/docker.pid', 'dockerd')) return async () => {}
  const { requireAlive } = await startDaemon({ program: 'dockerd', args: [], logFile })
  return requireAlive
}

/** Whether the daemon answers a ping within two seconds. */
function dockerAnswers(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const ping = request({ socketPath, path: '/_ping', timeout: 2_000 }, (response) => {
    response.resume()
    resolve(response.statusCode === 200)
  })
  ping.on('timeout', () => ping.destroy())
  ping.on('error', () => resolve(false))
  ping.on('close', () => resolve(false))
  ping.end()
  return promise
}
