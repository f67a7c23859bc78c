import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { listNames, readIfThere, writeDurably } from '../storage/durable.ts'
import { networkName } from './networks.ts'
import { geventPort, httpPort } from './odoo-options.ts'
import type { Route } from './route.ts'

/** Where the proxy's container sees the files. */
export const upstreamDirectory = '/run/upstreams'

/** What goes on for as long as a page is open (websockets, long polling), and all else. */
export type Traffic = 'requests' | 'sockets'

/** What Caddy replaces by the file's content, at each request. */
export const dialOf = (environmentId: string, traffic: Traffic) =>
  `{file.${upstreamDirectory}/${environmentId}.${traffic}}`

/**
 * Address of a runtime's requests. It names the cell's network, and so is another one than that of its sockets even
 * where both go to the same port: Caddy counts what is under way by address.
 */
export const requestsAddress = (container: string, cellId: string) =>
  `${container}.${networkName(cellId)}:${httpPort}`

const socketsAddress = (container: string, workers: number) =>
  `${container}:${workers > 0 ? geventPort : httpPort}`

/**
 * The address of each environment's runtime, in files that Caddy reads at every request. So a route goes from one
 * runtime to the next without a new configuration, and that is what loses no request: with a new configuration Caddy
 * closes every idle connection, and a request that is on its way on one of them has no answer.
 */
export interface Upstreams {
  /** From the next request on, runtimes are where these routes say. */
  point(routes: readonly Route[]): Promise<void>
  /** Drops the files of environments that are not led to a runtime: after Caddy was told so. */
  keepOnly(routes: readonly Route[]): Promise<void>
}

export function createUpstreams(directory: string): Upstreams {
  return {
    async point(routes) {
      await mkdir(directory, { recursive: true, mode: 0o755 })
      for (const [name, address] of filesOf(routes)) {
        const file = join(directory, name)
        // Caddy's user reads it; the directory around keeps everybody else of this host out.
        if ((await readIfThere(file)) !== address) await writeDurably(file, address, 0o644)
      }
    },
    async keepOnly(routes) {
      const wanted = filesOf(routes)
      for (const name of await listNames(directory))
        if (!wanted.has(name)) await rm(join(directory, name), { force: true })
    },
  }
}

function filesOf(routes: readonly Route[]): Map<string, string> {
  return new Map(
    routes.flatMap(({ environmentId, target }) =>
      target.kind === 'runtime'
        ? [
            [`${environmentId}.requests`, requestsAddress(target.container, target.cellId)],
            [`${environmentId}.sockets`, socketsAddress(target.container, target.workers)],
          ]
        : [],
    ),
  )
}
