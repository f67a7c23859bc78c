import { join } from 'node:path'
import { home } from '../home.ts'
import { ensurePool } from '../pool.ts'
import { Stack } from './stack.ts'

const gib = 2 ** 30

/** The demo's pool: a file system of its own, so that nothing but the demo is in it. */
export const demoPool = { name: 'demo-pool', filesystem: 'btrfs', sizeBytes: 40 * gib } as const

/** The demo's Fairway, on the ports that documentation names. */
export async function demoStack(): Promise<Stack> {
  return describeStack(await ensurePool(demoPool))
}

export const describeStack = (pool: string): Stack =>
  new Stack({
    directory: join(home, 'demo'),
    pool,
    ports: { api: 7080, link: 7443, postgres: 7432, git: 7090, proxy: 8080 },
    subnet: '10.213.0.0/16',
  })
