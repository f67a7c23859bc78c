import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../dev/command.ts'
import { type Contents, writeTarball } from './tarball.ts'

let root: string
const packed = () => join(root, 'packed.tar.gz')
const contents = (): Contents =>
  new Map([
    ['part-1.0/bin/program', { text: '#!/bin/sh\n', executable: true }],
    ['part-1.0/bin-more/deep/er/file', { text: '' }],
    ['part-1.0/README', { text: 'read me\n' }],
    ['part-1.0/bin/other', { file: join(root, 'link') }],
    ['part-1.0/whole', { file: join(root, 'whole') }],
  ])

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-tarball-'))
  await symlink('program', join(root, 'link'))
  await writeFile(join(root, 'whole'), 'whole', { mode: 0o600 })
})
afterAll(() => rm(root, { recursive: true }))

test.each(['022', '027', '077'])(
  'whoever unpacks it under umask %s, all may get to what is in it',
  async (umask) => {
    await writeTarball(packed(), contents())
    const unpacked = join(root, umask)
    await mkdir(unpacked)
    // --preserve-permissions is what root's tar does unasked.
    const unpack = `umask ${umask}; tar --preserve-permissions -xzf "$0" -C "$1"`
    await run('sh', ['-c', unpack, packed(), unpacked])
    const modeOf = async (path: string) => ((await stat(join(unpacked, path))).mode & 0o777).toString(8)
    for (const path of [
      '',
      '/bin',
      '/bin/program',
      '/bin/other',
      '/bin-more',
      '/bin-more/deep',
      '/bin-more/deep/er',
    ])
      expect(await modeOf(`part-1.0${path}`), path).toBe('755')
    for (const path of ['README', 'whole', 'bin-more/deep/er/file'])
      expect(await modeOf(`part-1.0/${path}`), path).toBe('644')
  },
)

test('each folder comes once, before what is in it', async () => {
  await writeTarball(packed(), contents())
  expect((await run('tar', ['-tzf', packed()])).trim().split('\n')).toEqual([
    'part-1.0/',
    'part-1.0/README',
    'part-1.0/bin-more/',
    'part-1.0/bin-more/deep/',
    'part-1.0/bin-more/deep/er/',
    'part-1.0/bin-more/deep/er/file',
    'part-1.0/bin/',
    'part-1.0/bin/other',
    'part-1.0/bin/program',
    'part-1.0/whole',
  ])
})

test('the same contents are the same bytes', async () => {
  const first = await writeTarball(packed(), contents())
  expect((await writeTarball(join(root, 'again.tar.gz'), contents())).sha256).toBe(first.sha256)
})
