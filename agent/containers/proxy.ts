import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { lstatIfThere } from '../../lib/files/lstat-if-there.ts'
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
import { untilDrained } from './drain.ts'
import { networkName } from './networks.ts'
import { createProxyAdmin } from './proxy-admin.ts'
import { caddyConfig, proxyPort } from './proxy-config.ts'
import type { Route } from './route.ts'
import { createRouteStore } from './route-store.ts'
import { createUpstreams, requestsAddress, upstreamDirectory } from './upstreams.ts'

/** Older kernels do not have it. */
const migrateRequests = '/proc/sys/net/ipv4/tcp_migrate_req'

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
 * either side ends in the same state. One change at a time. To another runtime, or the maintenance page, none is lost.
 */
export interface HttpProxy {
  readonly port: number
  /** Container up, connected to the routed cells, told every route: at the agent's start and after anything odd. */
  ensure(signal: AbortSignal): Promise<void>
  setRoute(route: Route, signal: AbortSignal): Promise<void>
  /** One that does not exist is fine. */
  removeRoute(environmentId: string, signal: AbortSignal): Promise<void>
  listRoutes(): Promise<Route[]>
  /**
   * Waits until no request is left with a runtime, at most that long. Websockets and long polls, which last for as long
   * as a page is open, are not waited for: their clients connect anew.
   *
   * @returns how many requests are left; undefined when the proxy did not say.
   */
  drain(
    runtime: { container: string; cellId: string },
    withinMs: number,
    signal: AbortSignal,
  ): Promise<number | undefined>
}

export function createProxy(options: ProxyOptions): HttpProxy {
  const { host } = options
  const name = `fairway-proxy-${host.agentId}`
  const store = createRouteStore(join(options.directory, 'routes.json'))
  const socketDirectory = join(options.directory, 'run')
  const upstreamFiles = join(options.directory, 'upstreams')
  const upstreams = createUpstreams(upstreamFiles)
  const admin = createProxyAdmin(
    join(socketDirectory, 'admin.sock'),
    async () => (await tailLogs(host, name, 3)).join(' / ') || 'its log is empty',
  )
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
    await upstreams.point(after)
    await admin.load(caddyConfig(after, host.networkRange), signal)
    await upstreams.keepOnly(after)
    // The cells of a moment ago may still answer requests: they are let go at a later change.
    await disconnectOthers(new Set([...cellsOf(before), ...cellsOf(after)]), signal)
  }

  async function ensureContainer(signal: AbortSignal): Promise<void> {
    const image = await requireImage(host, options.image, signal)
    const wanted = containerOptions(image, (await lstatIfThere(migrateRequests)) !== undefined)
    const found = await findContainer(host, name)
    if (found && !hasSpec(found, wanted)) await stopAndRemove(host, name, 5)
    else if (found?.State.Running) return
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    await mkdir(socketDirectory, { recursive: true })
    await mkdir(upstreamFiles, { recursive: true, mode: 0o755 })
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

  function containerOptions(
    image: Docker.ImageInspectInfo,
    canMigrate: boolean,
  ): Docker.ContainerCreateOptions {
    const result: Docker.ContainerCreateOptions = {
      Image: image.Id,
      Hostname: 'proxy',
      Healthcheck: { Test: ['NONE'] },
      ExposedPorts: { [`${proxyPort}/tcp`]: {} },
      HostConfig: {
        ...hardenedHostConfig({ memoryBytes: 512 * 1024 ** 2, maxProcesses: 256, production: true }),
        NetworkMode: name,
        RestartPolicy: { Name: 'unless-stopped' },
        PortBindings: { [`${proxyPort}/tcp`]: [{ HostIp: options.address, HostPort: String(options.port) }] },
        // A new configuration listens on a socket of its own: connections that wait at the old one go over to it.
        ...(canMigrate && { Sysctls: { 'net.ipv4.tcp_migrate_req': '1' } }),
        Mounts: [
          { Type: 'bind', Source: socketDirectory, Target: '/run/caddy' },
          { Type: 'bind', Source: upstreamFiles, Target: upstreamDirectory, ReadOnly: true },
        ],
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

  async function disconnectOthers(keep: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const connected = (await findContainer(host, name))?.NetworkSettings.Networks ?? {}
    const wanted = new Set([name, ...[...keep].map(networkName)])
    const others = Object.keys(connected).filter((network) => !wanted.has(network))
    if (others.length === 0) return
    const busy = [...(await admin.listRequests(signal))].filter(([, requests]) => requests > 0)
    for (const network of others)
      if (!busy.some(([address]) => address.includes(`.${network}:`)))
        await ifExists(host.docker.getNetwork(network).disconnect({ Container: name, Force: true }))
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
    drain: ({ container, cellId }, withinMs, signal) =>
      untilDrained(admin, requestsAddress(container, cellId), withinMs, signal),
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
