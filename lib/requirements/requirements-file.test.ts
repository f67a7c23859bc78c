import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listRequirementsFiles } from './project-requirements.ts'
import { readRequirements } from './requirements-file.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-requirements-'))
})
afterEach(() => rm(root, { recursive: true }))

interface Layout {
  addons?: { path: string; source: string }[]
  submodules?: string[]
  forTests?: boolean
  ignore?: string[]
  warn?: (text: string) => void
  note?: (text: string) => void
}
const read = async (
  files: Record<string, string | Buffer>,
  {
    addons = [],
    submodules = [],
    forTests = false,
    ignore = [],
    warn = () => {},
    note = () => {},
  }: Layout = {},
) => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const listed = await listRequirementsFiles(root, { addons, submodules }, { forTests, ignore, note })
  return readRequirements(root, listed, { warn, note })
}
const variable = (name: string) => `$\{${name}}`
const hash = `sha256:${'a'.repeat(64)}`

test('a project without the file asks for nothing', async () => {
  expect(await read({ 'docs/requirements.txt': 'x' })).toEqual({ requirements: [], constraints: [] })
})

test('names, versions, extras, markers, hashes, comments and continued lines are read', async () => {
  const { requirements } = await read({
    'requirements.txt': [
      '# all of it',
      'Foo_Bar',
      'requests[security,socks] >=2.8.1, ==2.8.* ; python_version < "4"  # why',
      `pinned==1.0 \\\n    --hash=${hash} \\\n    --hash=${hash}`,
      'last~=1.4.2',
    ].join('\r\n'),
  })
  expect(requirements.map(({ name, plain, origin, hashes }) => [name, plain, origin, hashes.length])).toEqual(
    [
      ['foo-bar', true, 'requirements.txt:2', 0],
      ['requests', false, 'requirements.txt:3', 0],
      ['pinned', false, 'requirements.txt:4', 2],
      ['last', false, 'requirements.txt:7', 0],
    ],
  )
  expect(requirements[1]!.text).toBe('requests[security,socks] >=2.8.1, ==2.8.* ; python_version < "4"')
})

test('other files of the repository are read once, from where they are named', async () => {
  const found = await read({
    'requirements.txt': '-r more/a.txt\n--requirement=more/a.txt\n-c limits.txt\nz',
    'more/a.txt': '-r ../b.txt\na',
    'b.txt': '-r requirements.txt\nb',
    'limits.txt': 'b<2',
  })
  expect(found.requirements.map(({ origin, text }) => `${origin} ${text}`)).toEqual([
    'b.txt:2 b',
    'more/a.txt:2 a',
    'requirements.txt:4 z',
  ])
  expect(found.constraints.map(({ text }) => text)).toEqual(['b<2'])
})

test.each([
  ['-e .', 'editable'],
  ['--index-url https://evil.example/simple', 'fairway.yaml'],
  ['--extra-index-url https://user:secret@evil.example/', 'fairway.yaml'],
  ['--no-binary :all:', 'not supported'],
  // pip reads options out of lines that name a package, too.
  ['x>=1 --no-binary=x', 'not supported'],
  ['x; python_version > "3" --no-binary=x', 'not supported'],
  ['x>=1\v--no-binary=x', 'not supported'],
  ['x>=1\u2028--pre', 'not supported'],
  ['git+https://git.example/x.git@main', 'version control'],
  ['x @ git+ssh://git@git.example/x', 'version control'],
  ['x @ https://files.example/x.whl', 'addresses'],
  ['https://files.example/x.whl', 'addresses'],
  ['./local', 'folders'],
  ['wheels/x.whl', 'folders'],
  ['x==1.0 --hash=md5:00', 'sha256'],
  ['--require-hashes', 'pinned by hash anyway'],
  ['-i https://pypi.example/simple', 'fairway.yaml'],
  ['--find-links wheels', 'fairway.yaml'],
  ['--trusted-host pypi.example', 'fairway.yaml'],
  [`x==${variable('VERSION')}`, 'variables'],
  [`--extra-index-url https://${variable('TOKEN')}@pypi.example`, 'variables'],
  [`-r ${variable('FOLDER')}/more.txt`, 'variables'],
  ['-r https://files.example/more.txt', 'files of the repository'],
  ['$(id)', 'no requirement'],
  ['-r /etc/passwd', 'plain file|outside'],
  ['-r ../../etc/passwd', 'outside'],
  ['-r nowhere.txt', 'plain file'],
])('%s is refused with its place', async (line, why) => {
  await expect(read({ 'requirements.txt': `fine\n${line}\n` })).rejects.toMatchObject({
    reason: 'requirements-invalid',
    message: expect.stringMatching(new RegExp(`^requirements\\.txt:2: .*(${why})`)),
  })
})

test('passwords in addresses are not repeated', async () => {
  const line = '--extra-index-url https://user:secret@evil.example/'
  await expect(read({ 'requirements.txt': line })).rejects.toMatchObject({
    message: expect.not.stringContaining('secret'),
  })
})

test('a link that leads out is not followed', async () => {
  await symlink('/etc', join(root, 'etc'))
  await expect(read({ 'requirements.txt': '-r etc/hostname' })).rejects.toMatchObject({
    reason: 'requirements-invalid',
    message: expect.stringContaining('outside'),
  })
})

test('what is too much is refused', async () => {
  await expect(read({ 'requirements.txt': 'x\n'.repeat(1001) })).rejects.toThrow(
    'more than 1000 requirements',
  )
  await expect(read({ 'requirements.txt': `#${'x'.repeat(300_000)}` })).rejects.toThrow('larger than 256 KiB')
})

test('files are read where modules are, submodules and sources included', async () => {
  const files = Object.fromEntries(
    [
      '',
      'addons/',
      'addons/sale_x/',
      'docs/',
      'vendor/',
      'vendor/more/',
      'tools/',
      '.fairway-sources/web/',
    ].map((folder) => [`${folder}requirements.txt`, `from-${folder.replaceAll('/', '-')}x\n`]),
  )
  const { requirements } = await read(files, {
    addons: [
      { path: 'addons/sale_x', source: '' },
      { path: 'vendor/more/label_print', source: '' },
      { path: '.fairway-sources/web/web_x', source: '.fairway-sources/web' },
    ],
    submodules: ['vendor', 'tools'],
  })
  expect(requirements.map(({ origin }) => origin)).toEqual([
    'requirements.txt:1',
    'addons/requirements.txt:1',
    'vendor/requirements.txt:1',
    'vendor/more/requirements.txt:1',
    '.fairway-sources/web/requirements.txt:1',
  ])
})

test('a repository that is itself an addon has its requirements', async () => {
  const { requirements } = await read(
    { 'requirements.txt': 'a', 'vendor/requirements.txt': 'b' },
    {
      addons: [
        { path: '', source: '' },
        { path: 'vendor', source: '' },
      ],
      submodules: ['vendor'],
    },
  )
  expect(requirements.map(({ origin }) => origin)).toEqual([
    'requirements.txt:1',
    'vendor/requirements.txt:1',
  ])
})

test('what tests need is read for tests alone, and what of it is not taken is said', async () => {
  const files = {
    'requirements.txt': 'a\n',
    'test-requirements.txt': 'b\nodoo-addon-x @ git+https://git.example/x.git@refs/pull/1/head\n',
    '.fairway-sources/web/test-requirements.txt': 'c\n',
  }
  const addons = [{ path: '.fairway-sources/web/web_x', source: '.fairway-sources/web' }]
  const said: string[] = []
  const names = async (forTests: boolean) =>
    (await read(files, { addons, forTests, warn: (text) => said.push(text) })).requirements.map(
      ({ name }) => name,
    )
  expect(await names(false)).toEqual(['a'])
  expect(await names(true)).toEqual(['a', 'b'])
  expect(said).toEqual([expect.stringMatching(/^left out: test-requirements\.txt:2: .*version control/)])
})

test('files that are named are read in their own encoding', async () => {
  const { requirements } = await read({
    'requirements.txt': Buffer.from('\ufeff-r more.txt\r\na==1.0\r\n', 'utf16le'),
    'more.txt': Buffer.from('# coding: latin-1\nb  # \xe9\n', 'latin1'),
  })
  expect(requirements.map(({ text }) => text)).toEqual(['b', 'a==1.0'])
})

test('constraints name packages, and what they name with -r is asked for', async () => {
  const found = await read({ 'requirements.txt': '-c limits.txt\n-r limits.txt', 'limits.txt': 'b<2\n' })
  expect(found.constraints.map(({ text }) => text)).toEqual(['b<2'])
  expect(found.requirements.map(({ text }) => text)).toEqual(['b<2'])
  await expect(read({ 'requirements.txt': '-c limits.txt', 'limits.txt': 'b[x]<2\n' })).rejects.toThrow(
    'limits.txt:1: b[x]<2: constraints cannot have extras',
  )
})
