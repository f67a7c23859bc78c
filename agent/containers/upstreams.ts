import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { listNames, readIfThere, writeDurably } from '../storage/durable.ts'
import { networkName } from './networks.ts'
import { geventPort, httpPort } from './odoo-options.ts'
import { pageOf } from './proxy-page.ts'
import type { Route } from './route.ts'

/** Where the proxy's container sees the files. */
export const upstreamDirectory = '/run/upstreams'

/** What goes on for as long as a page is open (websockets, long polling), and all else. */
export type Traffic = 'requests' | 'sockets'

/** What is said of an environment that is down: the page, and how to answer with it. */
type Maintenance = 'page' | 'closed' | 'retry-after'

/** What Caddy replaces by the file's content, at each request. */
export const fileOf = (environmentId: string, name: Traffic | Maintenance) =>
  `{file.${upstreamDirectory}/${environmentId}.${name}}`

/**
 * Address of a runtime's requests. It names the cell's network, and so is another one than that of its sockets even
 * where both go to the same port: Caddy counts what is under way by address.
 */
export const requestsAddress = (container: string, cellId: string) =>
  `${container}.${networkName(cellId)}:${httpPort}`

const socketsAddress = (container: string, workers: number) =>
  `${container}:${workers > 0 ? geventPort : httpPort}`

/**
 * The address of each environment's runtime, or its maintenance page, in files that Caddy reads at every request. So a
 * route goes from one runtime to the next, and to the page and back, without a new configuration, and that is what loses
 * no request: with a new one Caddy closes connections, and a request that is on its way on one of them has no answer.
 */
export interface Upstreams {
  /** From the next request on, runtimes are where these routes say, and what is down has its page. */
  point(routes: readonly Route[]): Promise<void>
  /** Drops what no longer holds: after Caddy was told of the routes. What is served again is so from here on. */
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
      // A request that has just passed the maintenance page's rule still looks for the runtime's address.
      const down = routes.filter(({ target }) => target.kind === 'maintenance')
      const lasting = new Set(down.flatMap(({ environmentId: id }) => [`${id}.requests`, `${id}.sockets`]))
      const old = (await listNames(directory)).filter((name) => !wanted.has(name) && !lasting.has(name))
      // The page goes last: until then somebody is still answered with it.
      const isPage = (name: string) => Number(name.endsWith('.page'))
      for (const name of old.toSorted((a, b) => isPage(a) - isPage(b)))
        await rm(join(directory, name), { force: true })
    },
  }
}

/** In the order in which they have to be there. */
function filesOf(routes: readonly Route[]): Map<string, string> {
  return new Map(
    routes.flatMap(({ environmentId: id, target }): [string, string][] => {
      if (target.kind === 'runtime')
        return [
          [`${id}.requests`, requestsAddress(target.container, target.cellId)],
          [`${id}.sockets`, socketsAddress(target.container, target.workers)],
        ]
      const { message, retryAfterSeconds } = target
      return [
        [`${id}.page`, pageOf(503, message || 'Down for maintenance.')],
        retryAfterSeconds > 0 ? [`${id}.retry-after`, String(retryAfterSeconds)] : [`${id}.closed`, 'closed'],
      ]
    }),
  )
}
