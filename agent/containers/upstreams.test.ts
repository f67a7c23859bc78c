import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Route } from './route.ts'
import { createUpstreams } from './upstreams.ts'

let directory: string
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'fairway-upstreams-')), 'upstreams')
})
afterEach(() => rm(join(directory, '..'), { recursive: true }))

const route = (environmentId: string, workers: number): Route => ({
  environmentId,
  hostnames: ['shop.example.test'],
  https: false,
  target: { kind: 'runtime', runtimeId: 'r', cellId: 'c', container: 'fairway-odoo-r', workers },
})
const read = (name: string) => readFile(join(directory, name), 'utf8')

test('websockets go to the gevent port when there are workers, else where all goes, and are told apart', async () => {
  const upstreams = createUpstreams(directory)
  await upstreams.point([route('a', 2), route('b', 0)])
  expect(await read('a.requests')).toBe('fairway-odoo-r.fairway-cell-c:8069')
  expect(await read('a.sockets')).toBe('fairway-odoo-r:8072')
  expect(await read('b.requests')).toBe('fairway-odoo-r.fairway-cell-c:8069')
  expect(await read('b.sockets')).toBe('fairway-odoo-r:8069')
})

test('what is no longer routed is forgotten, with what a crash left', async () => {
  const upstreams = createUpstreams(directory)
  await upstreams.keepOnly([])
  await upstreams.point([route('a', 2), route('b', 0)])
  await upstreams.keepOnly([route('b', 0)])
  expect((await readdir(directory)).sort()).toEqual(['b.requests', 'b.sockets'])
})
