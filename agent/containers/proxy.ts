import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { TaskError } from '../tasks/task.ts'
import { hasSpec, withSpec } from './container-spec.ts'
import {
  createContainer,
  createNetwork,
  type DockerHost,
  findContainer,
  hardenedHostConfig,
  ifExists,
  joinNetwork,
  requireImage,
  startContainer,
  stopAndRemove,
  tailLogs,
} from './docker.ts'
import { requestHttp } from './http-request.ts'
import { networkName } from './networks.ts'
import { caddyConfig, proxyPort, type Route } from './proxy-config.ts'
import { createRouteStore } from './route-store.ts'

const readyWithinMs = 20_000
const pollMs = 50

export interface ProxyOptions {
  host: DockerHost
  image: string
  /** Where it answers on this host. */
  address: string
  port: number
  /** Private directory: the routes, and the admin socket. Its path must fit into a socket's name (about 80 bytes). */
  directory: string
}

/**
 * The Caddy of this host. What it should answer is on disk first and then told to Caddy as a whole, so that a restart of
 * either side ends in the same state. One change at a time.
 */
export interface HttpProxy {
  readonly port: number
  /** Container up, connected to the routed cells, told every route: at the agent's start and after anything odd. */
  ensure(signal: AbortSignal): Promise<void>
  setRoute(route: Route, signal: AbortSignal): Promise<void>
  /** One that does not exist is fine. */
  removeRoute(environmentId: string, signal: AbortSignal): Promise<void>
  listRoutes(): Promise<Route[]>
}

export function createProxy(options: ProxyOptions): HttpProxy {
  const { host } = options
  const name = `fairway-proxy-${host.agentId}`
  const store = createRouteStore(join(options.directory, 'routes.json'))
  const socketDirectory = join(options.directory, 'run')
  let last: Promise<unknown> = Promise.resolve()

  function oneAtATime<T>(change: () => Promise<T>): Promise<T> {
    const next = last.then(change, change)
    last = next
    return next
  }

  async function apply(
    before: readonly Route[],
    after: readonly Route[],
    signal: AbortSignal,
  ): Promise<void> {
    await ensureContainer(signal)
    await connectCells(cellsOf(after))
    await load(after, signal)
    // The cells of a moment ago may still answer requests: they are let go at the next change.
    await disconnectOthers(new Set([...cellsOf(before), ...cellsOf(after)]))
  }

  async function ensureContainer(signal: AbortSignal): Promise<void> {
    const image = await requireImage(host, options.image, signal)
    const wanted = containerOptions(image)
    const found = await findContainer(host, name)
    if (found && !hasSpec(found, wanted)) await stopAndRemove(host, name, 5)
    else if (found?.State.Running) return
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    await mkdir(socketDirectory, { recursive: true })
    // Caddy's user must write here; the directory above keeps everybody else of this host out.
    await chmod(options.directory, 0o700)
    await chmod(socketDirectory, 0o777)
    if (!(await ifExists(host.docker.getNetwork(name).inspect()))) await createNetwork(host, { Name: name })
    const container = await createContainer(host, { ...wanted, name })
    try {
      await startContainer(container)
    } catch (error) {
      throw new TaskError('proxy-failed', `the proxy does not start: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  function containerOptions(image: Docker.ImageInspectInfo): Docker.ContainerCreateOptions {
    const result: Docker.ContainerCreateOptions = {
      Image: image.Id,
      Hostname: 'proxy',
      Healthcheck: { Test: ['NONE'] },
      ExposedPorts: { [`${proxyPort}/tcp`]: {} },
      HostConfig: {
        ...hardenedHostConfig({ memoryBytes: 512 * 1024 ** 2, maxProcesses: 256 }),
        NetworkMode: name,
        RestartPolicy: { Name: 'unless-stopped' },
        PortBindings: { [`${proxyPort}/tcp`]: [{ HostIp: options.address, HostPort: String(options.port) }] },
        Mounts: [{ Type: 'bind', Source: socketDirectory, Target: '/run/caddy' }],
      },
    }
    return withSpec(host, result, { role: 'proxy' })
  }

  async function connectCells(cells: ReadonlySet<string>): Promise<void> {
    const connected = (await findContainer(host, name))?.NetworkSettings.Networks ?? {}
    for (const cell of cells) {
      if (networkName(cell) in connected) continue
      // A cell that was destroyed while it was routed: its host names answer 502, the others are served.
      await ifExists(joinNetwork(host, networkName(cell), name))
    }
  }

  async function disconnectOthers(keep: ReadonlySet<string>): Promise<void> {
    const connected = (await findContainer(host, name))?.NetworkSettings.Networks ?? {}
    const wanted = new Set([name, ...[...keep].map(networkName)])
    for (const network of Object.keys(connected))
      if (!wanted.has(network))
        await ifExists(host.docker.getNetwork(network).disconnect({ Container: name, Force: true }))
  }

  async function load(routes: readonly Route[], signal: AbortSignal): Promise<void> {
    const config = JSON.stringify(caddyConfig(routes, host.networkRange))
    const deadline = performance.now() + readyWithinMs
    for (;;) {
      try {
        const answer = await askAdmin('/load', config, signal)
        if (answer.status === 200) return
        throw new TaskError('proxy-failed', `the proxy refused its routes: ${answer.body.slice(0, 500)}`)
      } catch (error) {
        if (error instanceof TaskError || signal.aborted) throw error
        if (performance.now() > deadline) throw await unreachable(error)
        await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    }
  }

  function askAdmin(path: string, body: string, signal: AbortSignal) {
    return requestHttp(`http://127.0.0.1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal,
      timeoutMs: 10_000,
      socketPath: join(socketDirectory, 'admin.sock'),
    })
  }

  async function unreachable(cause: unknown): Promise<TaskError> {
    const log = (await tailLogs(host, name, 3)).join(' / ') || 'its log is empty'
    return new TaskError(
      'proxy-failed',
      `the proxy does not take its routes: ${(cause as Error).message}; ${log}`,
      {
        cause,
      },
    )
  }

  async function change(edit: (routes: Route[]) => Route[], signal: AbortSignal): Promise<void> {
    const before = await store.read()
    const after = edit(before)
    await store.write(after)
    await apply(before, after, signal)
  }

  return {
    port: options.port,
    ensure: (signal) =>
      oneAtATime(async () => {
        const routes = await store.read()
        await apply(routes, routes, signal)
      }),
    setRoute: (route, signal) =>
      oneAtATime(() =>
        change((routes) => {
          refuseTaken(route, routes)
          return [...routes.filter((other) => other.environmentId !== route.environmentId), route]
        }, signal),
      ),
    removeRoute: (environmentId, signal) =>
      oneAtATime(() =>
        change((routes) => routes.filter((other) => other.environmentId !== environmentId), signal),
      ),
    listRoutes: () => store.read(),
  }
}

function cellsOf(routes: readonly Route[]): Set<string> {
  return new Set(routes.flatMap(({ target }) => (target.kind === 'runtime' ? [target.cellId] : [])))
}

function refuseTaken(route: Route, routes: readonly Route[]): void {
  for (const other of routes) {
    if (other.environmentId === route.environmentId) continue
    const taken = other.hostnames.find((hostname) => route.hostnames.includes(hostname))
    if (taken)
      throw new TaskError(
        'hostname-taken',
        `${taken} is already the address of another environment (${other.environmentId}) on this host`,
      )
  }
}
