import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readDoodbaFiles } from './doodba-files.ts'

const roots: string[] = []
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

async function read(files: Record<string, string>, ignore: string[] = [], executables: string[] = []) {
  const root = await mkdtemp(join(tmpdir(), 'fairway-doodba-'))
  roots.push(root)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, 'odoo/custom', path)), { recursive: true })
    await writeFile(join(root, 'odoo/custom', path), text)
  }
  return readDoodbaFiles(root, { ignore, executables })
}
const dependencies = 'odoo/custom/dependencies'

test('a project as its template makes it asks for nothing, and nothing is said', async () => {
  const empty = { apt: '', apt_build: '\n', gem: '# none\n', npm: '  \n' }
  const files = Object.entries(empty).map(([name, text]) => [`dependencies/${name}.txt`, text])
  const found = await read({ ...Object.fromEntries(files), 'build.d/.empty': '', 'conf.d/.empty': '' })
  expect(found).toEqual({ apt: [], pip: [], warnings: [], notes: [] })
  expect(await read({})).toEqual({ apt: [], pip: [], warnings: [], notes: [] })
})

test("packages of Debian's and Python's are for the image, those with a number as well", async () => {
  const found = await read({
    'dependencies/apt.txt': '\ufeff# tools\npoppler-utils  ghostscript\r\n\n  # more\nlibcups2\n',
    'dependencies/070-apt-more.txt': 'tesseract-ocr\n',
    'dependencies/pip.txt': 'num2words\n',
    'dependencies/080-pip.txt': 'xlrd\n',
    'dependencies/apt-without-sequence.txt': 'busybox\n',
  })
  expect(found.apt).toEqual([
    { name: 'poppler-utils', where: `${dependencies}/apt.txt:2` },
    { name: 'ghostscript', where: `${dependencies}/apt.txt:2` },
    { name: 'libcups2', where: `${dependencies}/apt.txt:5` },
    { name: 'tesseract-ocr', where: `${dependencies}/070-apt-more.txt:1` },
  ])
  expect(found.pip.map(({ path }) => path)).toEqual([
    `${dependencies}/pip.txt`,
    `${dependencies}/080-pip.txt`,
  ])
  expect(found.warnings).toEqual([])
})

test.each([
  ['a libcups2=2.4.*', /apt\.txt:1: "a" is no name/],
  ['\nlibcups2=2.4.2-3', /apt\.txt:2: .*Debian package is expected, libcups2: the lock pins its version/],
  ['curl/bookworm-backports', /apt\.txt:1: .*is expected, curl: the lock/],
  ['--allow-downgrades', /apt\.txt:1: "--allow-downgrades" is no name of a Debian package/],
  ['$(id)', /apt\.txt:1: /],
  ['curl-', /apt\.txt:1: "curl-" is no name/],
])('apt takes names and nothing else: %j', async (text, message) => {
  await expect(read({ 'dependencies/apt.txt': text })).rejects.toMatchObject({
    reason: 'sources-invalid',
    message: expect.stringMatching(message),
  })
})

const others = {
  'dependencies/apt_build.txt': 'build-essential\n',
  'dependencies/gem.txt': 'sass\ncompass\n',
  'dependencies/npm.txt': 'rtlcss@2\n',
  'dependencies/090-cargo.txt': 'x\n',
  'conf.d/20-queue.conf':
    '[options]\nserver_wide_modules = base,web,\n  queue_job\nworkers=4 ; two\nlimit_time_real : 120\nproxy_mode = True\n[queue_job]\nchannels = root:2\n',
  'conf.d/10-ours.conf': '# ours\n[options]\nproxy_mode = True\ndb_maxconn = 16\n',
  'build.d/300-fonts': '#!/bin/sh\n',
}

test('what is not used is named with what to do', async () => {
  const { warnings, notes } = await read(others, [], ['rtlcss', 'sass'])
  const end = '; then name the file under sources.ignore in fairway.yaml'
  expect(warnings).toEqual([
    `${dependencies}/gem.txt: not installed: compass; make an image that has them and name it under base_image in fairway.yaml${end}`,
    `${dependencies}/090-cargo.txt: not read, as "cargo" is no installer: rename it${end}`,
    `odoo/custom/conf.d/20-queue.conf: not read. server_wide_modules (line 2), [queue_job] channels (line 8): put it into the odoo.conf of an image of your own, named under base_image in fairway.yaml; workers (line 4), limit_time_real (line 5): set \`workers\`, \`memory\` and \`cpus\` of each stage in fairway.yaml${end}`,
    `odoo/custom/build.d/300-fonts: not run, as nothing of a repository is run: make what it does part of an image of your own${end}`,
  ])
  expect(notes).toEqual([
    expect.stringMatching(/apt_build\.txt is not used \(build-essential\): Python packages come as wheels/),
    `${dependencies}/npm.txt is not used: the base image has rtlcss@2`,
    'odoo/custom/conf.d/10-ours.conf is not read: Fairway sets what it sets',
  ])
})

test('what the project knows of is no warning any more, by file or folder', async () => {
  const ignore = [`${dependencies}/gem.txt`, `${dependencies}/090-cargo.txt`, 'odoo/custom/conf.d']
  const { warnings } = await read(others, [...ignore, 'odoo/custom/build.d'], ['rtlcss'])
  expect(warnings).toEqual([])
})
