import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import type { ReleaseShop } from './release-shop.ts'

/**
 * Production's data are between two states, or none that goes with its code, and nobody serves, copies or changes them. The
 * host's own record says the first.
 */
export async function expectDirty({ test, url }: ReleaseShop, onHost: boolean): Promise<void> {
  const { stack } = test
  const [production] = await test.query<{ status: string; cell_id: string; dirty: boolean }>(
    `select e.status, e.cell_id, c.dirty_since is not null as dirty from environments e
     join cells c on c.id = e.cell_id where e.stage = 'production'`,
  )
  expect(production).toMatchObject({ status: 'failed', dirty: true })
  const cell = join(stack.options.pool, 'cells', production?.cell_id ?? '', 'cell.json')
  expect('dirty' in JSON.parse(await readFile(cell, 'utf8'))).toBe(onHost)
  const between = /between two states/
  await expect(stack.cli('env', 'start', 'shop/production')).rejects.toThrow(between)
  await expect(stack.cli('release', 'promote', 'shop', 'release/badge', '--yes')).rejects.toThrow(between)
  await expect(stack.cli('build', 'start', 'shop', 'release/badge', '--watch')).rejects.toThrow(between)
  expect((await httpRequest(url, '/web/login')).status).toBe(503)
}
