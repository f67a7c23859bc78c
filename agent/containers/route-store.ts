import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../storage/durable.ts'
import { type Route, routeSchema } from './route.ts'

const fileSchema = z.object({ version: z.literal(1), routes: z.array(routeSchema) })

/** The routes that are wanted, on disk: a proxy or an agent that starts again takes them from here. */
export interface RouteStore {
  read(): Promise<Route[]>
  write(routes: readonly Route[]): Promise<void>
}

export function createRouteStore(file: string): RouteStore {
  return {
    async read() {
      try {
        return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).routes
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw new Error(`the proxy's routes in ${file} cannot be read`, { cause: error })
      }
    },
    async write(routes) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await writeDurably(file, `${JSON.stringify({ version: 1, routes }, null, 2)}\n`, 0o600)
    },
  }
}
