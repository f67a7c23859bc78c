import { chmod, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addon, openWorkingCopies, type WorkingCopies } from '../support/working-copies.ts'

// What `fairway check` must not do to, or have done by, a working copy.

let copies: WorkingCopies
beforeAll(async () => {
  copies = await openWorkingCopies()
})
afterAll(() => copies?.close())
beforeEach(() => copies.begin())

/** Commands that leave a file of the name that they are given. */
async function arrangeTraps(): Promise<{ trap: (name: string) => string; sprung: () => Promise<string[]> }> {
  const ran = `${copies.folder}-ran`
  const program = `${copies.folder}-trap`
  await mkdir(ran)
  await writeFile(program, `#!/bin/sh\ntouch "${ran}/$1"\nexit 1\n`)
  await chmod(program, 0o755)
  return { trap: (name) => `${program} ${name}`, sprung: async () => (await readdir(ran)).sort() }
}

const filters = (trap: (name: string) => string, of = '') => `
[filter "clean"]
  clean = ${trap(`${of}clean`)}
  smudge = ${trap(`${of}smudge`)}
  required = true
[filter "process"]
  process = ${trap(`${of}process`)}
  required = true
[filter "a=b"]
  clean = ${trap(`${of}odd`)}
[filter "lfs"]
  clean = ${trap(`${of}lfs`)}
[core]
  fsmonitor = ${trap(`${of}fsmonitor`)}
[diff "text"]
  textconv = ${trap(`${of}textconv`)}
  command = ${trap(`${of}driver`)}
`

/** A remote that objects are fetched from when they are missing. */
const promisor = (trap: (name: string) => string) => `
[core]
  repositoryFormatVersion = 1
  sshCommand = ${trap('ssh')}
  gitProxy = ${trap('proxy')}
  alternateRefsCommand = ${trap('alternates')}
  askPass = ${trap('ask')}
  editor = ${trap('editor')}
  pager = ${trap('pager')}
[credential]
  helper = !${trap('credential')}
[diff]
  external = ${trap('external')}
[alias]
  ls-files = !${trap('alias')}
[extensions]
  partialClone = evil
[remote "evil"]
  url = ext::${trap('fetch')}
  promisor = true
[protocol "ext"]
  allow = always
`

const attributes = [
  '*.py filter=clean diff=text',
  '*.txt filter=process',
  '*.csv filter=a=b',
  '*.xml filter=lfs',
  '*.md filter=included',
]
const content = { 'a.py': '1\n', 'a.txt': '1\n', 'a.csv': '1\n', 'a.xml': '<odoo/>\n', 'a.md': '1\n' }

test('nothing runs that a configuration names: of the repository, what it includes, a submodule', async () => {
  await copies.commit({ ...content, '.gitattributes': attributes.join('\n') })
  const web = copies.folder
  copies.begin()
  const { trap, sprung } = await arrangeTraps()
  await copies.commit({ ...addon('shop'), ...content, '.gitattributes': attributes.join('\n') })
  await copies.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', web, 'oca/web')
  await copies.git('config', '--file', '.gitmodules', 'submodule.oca/web.url', '../web')
  await copies.git('commit', '--quiet', '--all', '-m', 'Take it in')

  const [blob = ''] = (await copies.git('rev-parse', 'HEAD:a.xml')).split('\n')
  const git = join(copies.folder, '.git')
  const included = `${copies.folder}-included`
  await writeFile(included, `[filter "included"]\n  clean = ${trap('included')}\n`)
  const hooks = join(git, 'hooks')
  await copies.write({ 'post-index-change': `#!/bin/sh\n${trap('hook')}\n` }, hooks)
  await chmod(join(hooks, 'post-index-change'), 0o755)
  await writeFile(join(git, 'config'), filters(trap) + `[include]\n  path = ${included}\n`, { flag: 'a' })
  await writeFile(join(git, 'modules/oca/web/config'), filters(trap, 'of-submodule-'), { flag: 'a' })
  // Written anew, so that git looks into them to say whether they changed.
  await copies.write({ ...content, 'a.txt': '22\n' })
  await copies.write(content, join(copies.folder, 'oca/web'))
  const found = await copies.check('--offline')
  expect(await sprung()).toEqual([])
  expect(found).toMatchObject({ code: 0 })
  expect(found.said('note')).toContainEqual(
    expect.stringMatching(/^read as they are in the folder, as no filter of git is run .*: a\.txt$/),
  )

  // Git asks for it to say whether it is a pointer.
  await rm(join(git, 'objects', blob.slice(0, 2), blob.slice(2)))
  await writeFile(join(git, 'config'), promisor(trap), { flag: 'a' })
  expect(await copies.check('--offline')).toMatchObject({ code: 0 })
  expect(await sprung()).toEqual([])

  // The traps are well laid.
  await copies.git('status', '--porcelain').catch(() => undefined)
  await copies.git('cat-file', '-p', blob).catch(() => undefined)
  expect(await sprung()).toEqual(expect.arrayContaining(['clean', 'fetch', 'fsmonitor']))
}, 60_000)

test('nothing changes in the working copy, not even when a file was changed last', async () => {
  await copies.commit({ ...addon('shop'), 'shop/data.csv': 'a,b\n', 'fairway.yaml': "odoo: '19.0'\n" })
  const all = async () => {
    const names = await readdir(copies.folder, { recursive: true })
    const look = async (name: string) => {
      const { ctimeNs, mtimeNs, nlink } = await lstat(join(copies.folder, name), { bigint: true })
      return [name, ctimeNs, mtimeNs, nlink] as const
    }
    return await Promise.all(names.sort().map(look))
  }
  const before = await all()
  expect(await copies.check('--offline')).toMatchObject({ code: 0, result: 'fine' })
  expect(await all()).toEqual(before)
  // It ends with 1 for what has to be read again.
  await copies.git('diff-files', '--quiet')
})

test.each(['/proc/nowhere', '/dev/null'])(
  'a cache that cannot be in %s is said, and no more',
  async (cache) => {
    await copies.commit({ ...addon('shop'), 'fairway.yaml': "odoo: '19.0'\n" })
    copies.env = { ...copies.env, XDG_CACHE_HOME: cache }
    const found = await copies.check('--offline')
    expect(found).toMatchObject({ code: 0, result: 'fine' })
    expect(found.said('note').filter((note) => note.includes(cache))).toEqual([
      expect.stringMatching(/^nothing can be remembered below [^ ]+: (no such file|not a directory)/),
    ])
  },
)

test('what differs from the last commit is told by content, as git tells it', async () => {
  // Its SHA-256 is in the pointer.
  const pointer =
    'version https://git-lfs.github.com/spec/v1\noid sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865\nsize 2\n'
  await copies.commit({
    ...{ 'a.txt': '1\n', 'b.txt': '1\n', 'c.txt': '1\n', 'd.txt': '1\n', 'e.txt': '1\n', 'f.bin': pointer },
    '.gitattributes': '*.bin filter=lfs\n',
  })
  const fileNote = async () =>
    (await copies.check('--offline')).said('note').filter((note) => note.includes('from the last commit'))
  // The same again, other ends of lines, what Git LFS would put there.
  await copies.write({ 'a.txt': '1\n', 'd.txt': '1\r\n', 'f.bin': '1\n' })
  expect(await fileNote()).toEqual([])
  await copies.write({ 'b.txt': '2\n', 'e.txt': '2\n', 'f.bin': '2\n', 'new.txt': '' })
  await copies.git('add', 'e.txt')
  await copies.write({ 'e.txt': '1\n' })
  await rm(join(copies.folder, 'c.txt'))
  expect(await fileNote()).toEqual([
    expect.stringMatching(
      /^5 files differ from the last commit, \w+: b\.txt, c\.txt, e\.txt, f\.bin, new\.txt;/,
    ),
  ])
})
