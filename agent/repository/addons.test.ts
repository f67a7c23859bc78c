import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { discoverAddons } from './addons.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-addons-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(path: string, content = '') {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}
async function addon(path: string, manifest = "{'name': 'x'}") {
  await write(`${path}/__manifest__.py`, manifest)
  await write(`${path}/__init__.py`)
}
const discover = (...paths: string[]) => discoverAddons(root, paths, new AbortController().signal)

test('addons are found wherever they are', async () => {
  await addon('addons/sale_x', "{'name': 'Sale', 'depends': ['sale']}")
  await addon('oca/server-tools/base_y')
  await write('oca/server-tools/base_y/data/neutralize.sql', 'select 1')
  await write('no_init/__manifest__.py', 'broken(')
  await addon('addons/sale_x/tests/inner')
  await addon('.git/hidden')
  const found = await discover()
  expect(found.map(({ module, path, hasNeutralize }) => ({ module, path, hasNeutralize }))).toEqual([
    { module: 'sale_x', path: 'addons/sale_x', hasNeutralize: false },
    { module: 'base_y', path: 'oca/server-tools/base_y', hasNeutralize: true },
  ])
  expect(found[0]).toMatchObject({ name: 'Sale', depends: ['sale'] })
  expect((await discover('oca')).map((found) => found.module)).toEqual(['base_y'])
  expect(await discover('oca', 'oca/server-tools')).toHaveLength(1)
})

test('two addons of one name are named with their folders', async () => {
  await addon('a/sale_x')
  await addon('b/sale_x')
  await expect(discover()).rejects.toThrow('the module sale_x exists 2 times: a/sale_x, b/sale_x')
})

test('symbolic links lead nowhere', async () => {
  await addon('real/sale_x')
  await symlink('real', join(root, 'linked'))
  expect(await discover()).toHaveLength(1)
  await expect(discover('linked')).rejects.toThrow('linked, which is no folder')
  await expect(discover('absent')).rejects.toThrow('absent, which is no folder')
})

test('a manifest that cannot be read fails with its place', async () => {
  await addon('addons/sale_x', "{\n'name': evil()}")
  await expect(discover()).rejects.toThrow('addons/sale_x/__manifest__.py:2:9: only literal values')
})

test('a name that Odoo would not take is refused', async () => {
  await addon('addons/sale-x')
  await expect(discover()).rejects.toThrow('addons/sale-x: is an addon by its files')
})

test('what cannot be looked at is not taken for absent', async () => {
  await addon('addons/sale_x')
  await symlink('data', join(root, 'addons/sale_x/data'))
  await expect(discover()).rejects.toThrow(/ELOOP.*data\/neutralize\.sql/)
})
