import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AddonSearch } from './addon-places.ts'
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
let leftOut: string[]
beforeEach(() => {
  leftOut = []
})
const search = { paths: [], series: '19.0', leaveOut: (text: string) => void leftOut.push(text) }
const discoverWith = (more: Partial<AddonSearch>) =>
  discoverAddons(root, { ...search, ...more }, new AbortController().signal)
const discover = (...paths: string[]) => discoverWith({ paths })

test('addons are found wherever they are', async () => {
  await addon('addons/sale_x', "{'name': 'Sale', 'depends': ['sale']}")
  await addon('oca/server-tools/base_y')
  await write('oca/server-tools/base_y/data/neutralize.sql', 'select 1')
  await write('no_init/__manifest__.py', "{'name': 'x'}")
  await addon('addons/sale_x/tests/inner')
  await addon('.git/hidden')
  const found = await discover()
  expect(found.map(({ module, path, hasNeutralize }) => ({ module, path, hasNeutralize }))).toEqual([
    { module: 'sale_x', path: 'addons/sale_x', hasNeutralize: false },
    { module: 'no_init', path: 'no_init', hasNeutralize: false },
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

test('what looks like an addon and is none is left out, with the reason', async () => {
  await addon('addons/sale_x')
  await addon('addons/sale-x')
  await addon('scaffold/{{ module_name }}', '{ {% if x %}')
  await addon('scaffold/__module_name__')
  await addon('a/b/c/d/e/f/g/h/i', '')
  await write('old/__openerp__.py', "{'name': 'x'}")
  await symlink('../addons/sale_x', join(root, 'a/sale_x'))
  await symlink('../addons/sale-x', join(root, 'a/sale_z'))
  expect((await discover()).map(({ path }) => path)).toEqual(['addons/sale_x'])
  expect(leftOut).toEqual([
    'a/b/c/d/e/f/g/h/i: more than 8 folders deep; set addons_paths in fairway.yaml to the folders that hold addons',
    'a/sale_z: is a symbolic link, which is not followed; put the folder there',
    'addons/sale-x/__manifest__.py: "sale-x" is no module name, which has only letters (a–z), digits and _; rename the folder, or set addons_paths in fairway.yaml to the folders that hold addons',
    'old/__openerp__.py: Odoo 19.0 reads no manifest of this name; rename it to __manifest__.py',
    'scaffold/__module_name__/__manifest__.py: its path is that of a template for new modules; set addons_paths in fairway.yaml to the folders that hold addons',
    'scaffold/{{ module_name }}/__manifest__.py: its path is that of a template for new modules; set addons_paths in fairway.yaml to the folders that hold addons',
  ])
  expect((await discoverWith({ series: '18.0' })).map(({ file }) => file)).toContain('old/__openerp__.py')
})

test('a repository may be an addon itself, beside others in it', async () => {
  await write('__manifest__.py', "{'name': 'Desk notes'}")
  await addon('vendor/base_x')
  expect(await discoverWith({ topName: 'desk_notes' })).toMatchObject([
    { module: 'desk_notes', path: '', file: '__manifest__.py', name: 'Desk notes' },
    { module: 'base_x', path: 'vendor/base_x' },
  ])
  await expect(discoverWith({ topName: 'desk-notes' })).rejects.toThrow(
    '__manifest__.py: the repository itself is an addon, and "desk-notes", as the repository is called, is no module name: name it with addon_name in fairway.yaml, or set addons_paths',
  )
  expect(await discover('vendor')).toHaveLength(1)
})

test('what Odoo would stop on is refused, or left out where it is of others', async () => {
  await addon('a/misc_one', "{'name': 'x', 'version': '1'}")
  const message =
    'a/misc_one/__manifest__.py: has version "1": Odoo 19.0 stops on it while it reads all manifests (`adapt_version`); it takes x.y, x.y.z, 19.0.x.y or 19.0.x.y.z'
  await expect(discover()).rejects.toThrow(message)
  const source = '.fairway-sources/tool'
  await addon(`${source}/misc_one`, "{'name': 'x', 'version': '1'}")
  expect(await discoverWith({ source, paths: [source] })).toEqual([])
  expect(leftOut).toEqual([`${source}/${message.slice(2)}`])
  expect(await discoverWith({ series: '16.0', paths: ['a'] })).toHaveLength(1)
})

test('where Odoo would look for tests is told', async () => {
  for (const name of ['a', 'b', 'c']) await addon(name)
  await write('a/tests/__init__.py')
  await write('b/tests.py')
  expect((await discover()).map(({ module, hasTests }) => [module, hasTests])).toEqual([
    ['a', true],
    ['b', true],
    ['c', false],
  ])
})

test('all manifests that are at fault are named at once', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await addon(name, '{')
  const noted: string[] = []
  const note = (text: string) => void noted.push(text)
  await expect(discoverWith({ note })).rejects.toThrow(
    /^a\/__manifest__.py:1:.*; b\/__manifest__.py:1:.*; and 1 more, all of them in the log; what is no addon/,
  )
  expect(noted.map((text) => text.split(':', 1)[0])).toEqual(
    ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}/__manifest__.py`),
  )
})

test('what is for another Odoo is found, and cannot be installed', async () => {
  await addon('gate', "{'name': 'x', 'version': '18.0.2.1.0'}")
  const unfit = 'has version 18.0.2.1.0, but the project is for Odoo 19.0'
  expect(await discover()).toMatchObject([{ module: 'gate', otherSeries: true, stops: false, unfit }])
  // An Odoo of these series stops on it.
  expect(await discoverWith({ series: '17.0' })).toMatchObject([{ otherSeries: true, stops: true }])
})

test('what cannot be looked at is not taken for absent', async () => {
  await addon('addons/sale_x')
  await symlink('data', join(root, 'addons/sale_x/data'))
  await expect(discover()).rejects.toMatchObject({
    reason: 'symlink-escapes',
    message: expect.stringMatching(/^addons\/sale_x\/data\/neutralize\.sql cannot .* leads to itself: put a/),
  })
})

test('a manifest that is a link, or has another name, is told', async () => {
  await addon('sale_x')
  await write('linked/__init__.py')
  await symlink('../sale_x/__manifest__.py', join(root, 'linked/__manifest__.py'))
  await write('capital/__Manifest__.py', '{}')
  await write('oldest/__terp__.py', '{}')
  await symlink('circle', join(root, 'circle'))
  await write('bare/__manifest__.py', "{'name': 'x'}")
  await symlink('../sale_x/__init__.py', join(root, 'bare/__init__.py'))
  expect((await discover()).map(({ module, isPackage }) => [module, isPackage])).toEqual([
    ['bare', true],
    ['sale_x', true],
  ])
  expect(leftOut).toEqual([
    'capital/__Manifest__.py: Odoo 19.0 reads no manifest of this name; rename it to __manifest__.py',
    'linked/__manifest__.py: is a symbolic link, which is not followed; put the file there',
    'oldest/__terp__.py: Odoo 19.0 reads no manifest of this name; rename it to __manifest__.py',
  ])
})

test('what a source has is told by its name, and of two in it one may be left out yet', async () => {
  const source = '.fairway-sources/tool'
  for (const path of ['x/c', 'y/c', 'my-mod', 'tpl/{{ module name }}']) await addon(`${source}/${path}`)
  await symlink('gone', join(root, source, 'x/c/data'))
  await symlink('data', join(root, source, 'y/c/data'))
  expect((await discoverWith({ source, paths: [source] })).map(({ path }) => path)).toEqual([`${source}/x/c`])
  expect(leftOut).toEqual([
    expect.stringMatching(/^y\/c\/data\/neutralize\.sql of tool cannot be looked at/),
    expect.stringMatching(/^my-mod\/__manifest__\.py of tool: "my-mod" is no module name/),
    expect.stringMatching(/^tpl\/\{\{ module name \}\}\/__manifest__\.py of tool: its path/),
  ])
  await rm(join(root, source, 'y/c/data'))
  expect(await discoverWith({ source, paths: [source] })).toHaveLength(2)
})

test('a repository that is an addon hides none below it, whatever it is called', async () => {
  await addon('vendor/lib')
  await addon('vendor/lib/inner_mod')
  await addon('vendor/own-mod')
  await addon('vendor/own-mod/other_mod')
  await addon('vendor/lib/inner_mod/tests/deep')
  const found = await discoverWith({ tops: new Set(['vendor/lib', 'vendor/own-mod']) })
  expect(found.map(({ path }) => path)).toEqual([
    'vendor/lib',
    'vendor/lib/inner_mod',
    'vendor/own-mod/other_mod',
  ])
  expect(leftOut).toEqual([
    expect.stringMatching(/"own-mod" is no module name.*the first column of oca_dependencies\.txt/),
  ])
  expect((await discover('vendor/lib')).map(({ path }) => path)).toEqual(['vendor/lib'])
})
