import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readRequirementsFile } from './requirements-file.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-requirements-'))
})
afterEach(() => rm(root, { recursive: true }))

const read = async (files: Record<string, string>) => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return readRequirementsFile(root)
}
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
