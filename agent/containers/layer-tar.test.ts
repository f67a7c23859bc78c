import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { extract, type Pack } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packLayer } from './layer-tar.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-context-'))
})
afterEach(() => rm(root, { recursive: true }))

const { signal } = new AbortController()
const addon = async (folder: string, files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, folder, path, '..'), { recursive: true })
    await writeFile(join(root, folder, path), content)
  }
  return { target: `mnt/extra-addons/${folder.split('/').at(-1)}`, directory: join(root, folder) }
}
const digest = async (...addons: { target: string; directory: string }[]) =>
  createHash('sha256')
    .update(await buffer(packLayer(addons, signal)))
    .digest('hex')

test('the same content gives the same bytes, whenever and however it was checked out', async () => {
  const a = await addon('1/a', { '__init__.py': 'x', 'views/v.xml': '<odoo/>' })
  const b = await addon('1/b', { '__init__.py': 'y' })
  const again = await addon('2/a', { 'views/v.xml': '<odoo/>', '__init__.py': 'x' })
  await chmod(join(again.directory, '__init__.py'), 0o600)
  await utimes(join(again.directory, '__init__.py'), 1, 1)
  expect(await digest(again, b)).toBe(await digest(b, a))
  await writeFile(join(again.directory, '__init__.py'), 'z')
  expect(await digest(again, b)).not.toBe(await digest(a, b))
})

test('a layer holds folders and those above them, executables as such, owned by root', async () => {
  const a = await addon('a', { 'run.sh': 'x', 'b/c.py': '' })
  await chmod(join(a.directory, 'run.sh'), 0o755)
  await symlink('b/c.py', join(a.directory, 'link.py'))
  expect(await list(packLayer([a], signal))).toEqual({
    'mnt/': 'directory 755 0',
    'mnt/extra-addons/': 'directory 755 0',
    'mnt/extra-addons/a/': 'directory 755 0',
    'mnt/extra-addons/a/b/': 'directory 755 0',
    'mnt/extra-addons/a/b/c.py': 'file 644 0',
    'mnt/extra-addons/a/link.py': 'symlink 777 0',
    'mnt/extra-addons/a/run.sh': 'file 755 0',
  })
})

test('what is left out is left out at the top alone', async () => {
  const { directory, target } = await addon('top', {
    '__init__.py': '',
    '.fairway-sources/x/a.py': '',
    'b/.fairway-sources/c': '',
  })
  const names = Object.keys(
    await list(packLayer([{ directory, target, without: ['.fairway-sources'] }], signal)),
  )
  expect(names.filter((name) => !name.endsWith('/'))).toEqual([
    'mnt/extra-addons/top/__init__.py',
    'mnt/extra-addons/top/b/.fairway-sources/c',
  ])
})

test('a folder can be the root of the image', async () => {
  const { directory } = await addon('root', { 'usr/bin/tool': 'x' })
  expect(Object.keys(await list(packLayer([{ directory, target: '' }], signal)))).toEqual([
    'usr/',
    'usr/bin/',
    'usr/bin/tool',
  ])
})

test.each(['/etc/passwd', '../../other', 'nowhere'])('a link to %s is refused', async (target) => {
  const a = await addon('a', { x: '' })
  await addon('other', { x: '' })
  await symlink(target, join(a.directory, 'link'))
  await expect(digest(a)).rejects.toMatchObject({ reason: 'symlink-escapes' })
})

async function list(tar: Pack): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const reader = extract()
  tar.pipe(reader)
  for await (const entry of reader) {
    found[entry.header.name] = `${entry.header.type} ${entry.header.mode?.toString(8)} ${entry.header.uid}`
    entry.resume()
  }
  return found
}
