import { createHash } from 'node:crypto'
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type GitServer, startGitServer, type TestRepository } from '../../test/support/git-server.ts'
import { createGit } from './command.ts'
import { type CommitWanted, createMirrors, type DescribedCommit, type Mirrors } from './mirrors.ts'
import { checkoutSource } from './source.ts'

let server: GitServer
let directory: string
let mirrors: Mirrors
const { signal } = new AbortController()
let counter = 0

beforeAll(async () => {
  server = await startGitServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-source-'))
  const protocols = ['http', 'https', 'ssh'] as const
  const git = createGit({ home: directory, protocols })
  mirrors = createMirrors(git, join(directory, 'mirrors'), protocols, createLoopbackDialer())
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const ignoreAbsent = (error: NodeJS.ErrnoException) => {
  // Mirrors of which no branch was fetched have no such folder.
  if (error.code !== 'ENOENT') throw error
}
const target = () => join(directory, `checkout-${++counter}`)
const checkout = async (repository: TestRepository, wanted: Partial<CommitWanted>) => {
  const path = target()
  const source = await checkoutSource(
    mirrors,
    repository.url,
    { commit: '', branch: '', ...wanted },
    path,
    signal,
  )
  return { path, source }
}

test('a commit arrives as it was committed, and its trees are known', async () => {
  const repository = await server.createRepository('plain')
  const commit = await repository.commit(
    {
      'addons/a/__manifest__.py': "{'name': 'é'}\r\n",
      '.gitattributes': '* text eol=crlf\n*.py filter=evil ident\nsecret export-ignore\n',
      secret: '$Id$\n',
    },
    { message: 'First\n\nbody' },
  )
  const { path, source } = await checkout(repository, { branch: 'main' })
  expect(source).toMatchObject({
    commit,
    message: 'First\n\nbody',
    author: 'Test <test@example.test>',
    submodules: [],
  })
  expect(await readFile(join(path, 'addons/a/__manifest__.py'), 'utf8')).toBe("{'name': 'é'}\r\n")
  expect(await readFile(join(path, 'secret'), 'utf8')).toBe('$Id$\n')
  expect(source.findTreeId('addons/a')).toBe(await repository.git('rev-parse', 'HEAD:addons/a'))
  expect(source.findTreeId('')).toBe(source.treeId)
  expect(source.findTreeId('nowhere')).toBeUndefined()
  expect((await readdir(path)).sort()).toEqual(['.gitattributes', 'addons', 'secret'])
})

test('an older commit can be had, also when the server keeps it on another branch', async () => {
  const repository = await server.createRepository('older')
  const first = await repository.commit({ a: '1' })
  const second = await repository.commit({ a: '2' }, { branch: 'feature/x' })
  const { path } = await checkout(repository, { commit: first, branch: 'main' })
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('1')
  expect((await checkout(repository, { branch: 'feature/x' })).source.commit).toBe(second)
})

describe('a commit that has to be on its branch', () => {
  const onBranch = true

  test('is its head, or in its history', async () => {
    const repository = await server.createRepository('on-branch')
    const first = await repository.commit({ a: '1' })
    const second = await repository.commit({ a: '2' })
    await repository.commit({ a: '3' })
    const head = await repository.commit({ a: '4' })
    for (const commit of [head, second, first]) {
      expect((await checkout(repository, { commit, branch: 'main', onBranch })).source.commit).toBe(commit)
    }
  })

  test('is not another branch’s, though the server has it and it was fetched before', async () => {
    const repository = await server.createRepository('off-branch')
    await repository.commit({ a: '1' })
    const other = await repository.commit({ a: '2' }, { branch: 'feature/x' })
    await checkout(repository, { commit: other, branch: 'feature/x' })
    for (const commit of [other, '0123456789'.repeat(4)]) {
      await expect(checkout(repository, { commit, branch: 'main', onBranch })).rejects.toMatchObject({
        reason: 'commit-not-on-branch',
      })
    }
  })
})

/** Two commits of the branch whose ids begin with the same seven digits: among some ten thousand there are such. */
async function commitAlike(repository: TestRepository): Promise<[string, string]> {
  const parent = await repository.git('rev-parse', 'HEAD')
  const tree = await repository.git('rev-parse', 'HEAD^{tree}')
  const found = findAlike((message) => commitObject(tree, [parent], message))
  for (const [index, content] of found.entries()) {
    const file = join(directory, `commit-${index}`)
    await writeFile(file, content)
    await repository.git('hash-object', '-t', 'commit', '-w', file)
  }
  const ids = found.map(idOf) as [string, string]
  const merge = await repository.git('commit-tree', tree, '-p', ids[0], '-p', ids[1], '-m', 'Merge')
  await repository.git('reset', '--hard', merge)
  await repository.push('main')
  return ids
}

function findAlike(write: (message: string) => string): [string, string] {
  const seen = new Map<string, string>()
  for (let number = 0; ; number++) {
    const content = write(String(number))
    const start = idOf(content).slice(0, 7)
    const before = seen.get(start)
    if (before) return [before, content]
    seen.set(start, content)
  }
}

const commitObject = (tree: string, parents: readonly string[], message: string) =>
  `tree ${tree}\n${parents.map((id) => `parent ${id}\n`).join('')}author A <a@b.test> 0 +0000\ncommitter A <a@b.test> 0 +0000\n\n${message}\n`

const idOf = (content: string) =>
  createHash('sha1').update(`commit ${content.length}\0${content}`).digest('hex')

describe('a commit by the first digits of its id', () => {
  const short = (commit: string) => commit.slice(0, 7)

  test.each([true, false])(
    'is the head of its branch, or in its history (only there: %s)',
    async (onBranch) => {
      const repository = await server.createRepository(`short-${onBranch}`)
      const first = await repository.commit({ a: '1' })
      const second = await repository.commit({ a: '2' })
      const head = await repository.commit({ a: '3' })
      for (const commit of [head, second, first]) {
        const { path, source } = await checkout(repository, {
          commit: short(commit),
          branch: 'main',
          onBranch,
        })
        expect(source.commit).toBe(commit)
        expect(await readFile(join(path, 'a'), 'utf8')).toBe(
          commit === head ? '3' : commit === second ? '2' : '1',
        )
      }
      // As much of it as people copy.
      expect((await checkout(repository, { commit: first.slice(0, 12), branch: 'main' })).source.commit).toBe(
        first,
      )
    },
  )

  test('is another branch’s for a preview alone', async () => {
    const repository = await server.createRepository('short-off-branch')
    await repository.commit({ a: '1' })
    const other = await repository.commit({ a: '2' }, { branch: 'feature/x' })
    const wanted = { commit: short(other), branch: 'main' }
    expect((await checkout(repository, wanted)).source.commit).toBe(other)
    await expect(checkout(repository, { ...wanted, onBranch: true })).rejects.toMatchObject({
      reason: 'commit-not-on-branch',
    })
  })

  test('is no file or folder, and is none that nobody has', async () => {
    const repository = await server.createRepository('short-missing')
    await repository.commit({ 'b/a': '1' })
    const folder = await repository.git('rev-parse', 'HEAD:b')
    for (const commit of [short(folder), '0123456']) {
      await expect(checkout(repository, { commit, branch: 'main' })).rejects.toMatchObject({
        reason: 'commit-missing',
        message: expect.stringContaining(commit),
      })
    }
    await expect(checkout(repository, { commit: '012345', branch: 'main' })).rejects.toMatchObject({
      reason: 'commit-missing',
    })
  })

  test('is refused where two commits begin so', async () => {
    const repository = await server.createRepository('short-twice')
    await repository.commit({ a: '1' })
    const [one, other] = await commitAlike(repository)
    const failure = checkout(repository, { commit: short(one), branch: 'main' })
    await expect(failure).rejects.toMatchObject({
      reason: 'commit-ambiguous',
      message: expect.stringContaining(other),
    })
  })
})

describe('what is not there', () => {
  test('a commit that vanished, a branch that was deleted, a repository that is none', async () => {
    const repository = await server.createRepository('gone')
    await repository.commit({ a: '1' })
    const commit = '0123456789'.repeat(4)
    await expect(checkout(repository, { commit, branch: 'main' })).rejects.toMatchObject({
      reason: 'commit-missing',
      message: expect.stringContaining('force-pushed away'),
    })
    await expect(checkout(repository, { branch: 'nowhere' })).rejects.toMatchObject({
      reason: 'branch-missing',
    })
    await expect(checkout(repository, { branch: '--upload-pack=x' })).rejects.toMatchObject({
      reason: 'branch-missing',
    })
    const absent = { ...repository, url: `${server.url}/absent` }
    await expect(checkout(absent, { branch: 'main' })).rejects.toMatchObject({ reason: 'repository-denied' })
    const down = { ...repository, url: 'http://user:hunter2@127.0.0.1:1/x' }
    const failure = checkout(down, { branch: 'main' })
    await expect(failure).rejects.toMatchObject({ reason: 'repository-not-allowed' })
    await expect(failure).rejects.not.toThrow('hunter2')
  })

  test.each([
    'file:///etc',
    '/etc',
    'ext::sh -c id',
    'git://x/y',
    '--upload-pack=id',
    'ssh://-oProxyCommand=id/x',
  ])('an address that is not allowed: %s', async (url) => {
    const repository = { url } as TestRepository
    await expect(checkout(repository, { branch: 'main' })).rejects.toMatchObject({ reason: 'repository-url' })
  })
})

describe('submodules', () => {
  test('come at their pinned commits, relative and absolute, nested', async () => {
    const inner = await server.createRepository('inner')
    const innerCommit = await inner.commit({ 'z/file': 'inner' })
    const middle = await server.createRepository('middle')
    await middle.commit({ '.gitmodules': `[submodule "i"]\n\tpath = deep/inner\n\turl = ${inner.url}\n` })
    await middle.git('update-index', '--add', '--cacheinfo', `160000,${innerCommit},deep/inner`)
    await middle.git('commit', '-qm', 'pin')
    await middle.push()
    const middleCommit = await middle.git('rev-parse', 'HEAD')
    const outer = await server.createRepository('outer')
    await outer.commit({
      '.gitmodules': '[submodule "oca/m"]\n\tpath = oca/m\n\turl = ../middle\n',
    })
    await outer.git('update-index', '--add', '--cacheinfo', `160000,${middleCommit},oca/m`)
    await outer.git('commit', '-qm', 'pin')
    await outer.push()
    const { path, source } = await checkout(outer, { branch: 'main' })
    expect(source.submodules).toEqual([
      { path: 'oca/m', url: middle.url, commit: middleCommit },
      { path: 'oca/m/deep/inner', url: inner.url, commit: innerCommit },
    ])
    expect(await readFile(join(path, 'oca/m/deep/inner/z/file'), 'utf8')).toBe('inner')
    expect(source.findTreeId('oca/m/deep/inner/z')).toBe(await inner.git('rev-parse', 'HEAD:z'))
    expect(source.findTreeId('oca/m')).toBe(await middle.git('rev-parse', 'HEAD^{tree}'))
  })

  test('that would run a command are refused', async () => {
    const repository = await server.createRepository('command')
    await repository.commit({
      '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ../plain\n\tupdate = !id\n',
    })
    await expect(checkout(repository, { branch: 'main' })).rejects.toMatchObject({
      reason: 'repository-invalid',
      message: expect.stringContaining('disallowed submodule update setting'),
    })
  })

  test.each(['file:///etc', '/etc', '-u./payload', 'ext::sh -c id', '../../../../outside/of/it'])(
    'with a hostile address are refused: %s',
    async (url) => {
      const repository = await server.createRepository(`hostile-${++counter}`)
      await repository.commit({ '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ${url}\n` })
      await repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},x`)
      await repository.git('commit', '-qm', 'pin')
      await repository.push()
      // git's own check on arrival, or ours: either way before anything is fetched from there.
      await expect(checkout(repository, { branch: 'main' })).rejects.toMatchObject({
        reason: expect.stringMatching(/^repository-/),
      })
    },
  )

  test('without an address are named', async () => {
    const repository = await server.createRepository('no-address')
    await repository.commit({ a: '' })
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},oca/web`)
    await repository.git('commit', '-qm', 'pin')
    await repository.push()
    const told: DescribedCommit[] = []
    const wanted = { commit: '', branch: 'main' }
    const checkedOut = checkoutSource(mirrors, repository.url, wanted, target(), signal, (commit) =>
      told.push(commit),
    )
    await expect(checkedOut).rejects.toThrow('oca/web is a submodule')
    // Which commit it is, is known all the same.
    expect(told).toEqual([
      {
        commit: await repository.git('rev-parse', 'HEAD'),
        treeId: await repository.git('rev-parse', 'HEAD^{tree}'),
        author: 'Test <test@example.test>',
        message: 'pin',
      },
    ])
  })
})

describe('symbolic links', () => {
  const link = async (...links: [path: string, to: string][]) => {
    const repository = await server.createRepository(`links-${++counter}`)
    await repository.commit({ 'a/file': 'x' })
    for (const [path, to] of links) {
      const blob = join(directory, 'blob')
      await writeFile(blob, to)
      const id = await repository.git('hash-object', '-w', blob)
      await repository.git('update-index', '--add', '--cacheinfo', `120000,${id},${path}`)
    }
    await repository.git('commit', '-qm', 'links')
    await repository.push()
    return checkout(repository, { branch: 'main' })
  }
  test('may stay inside', async () => {
    const { path } = await link(['b', 'a/file'], ['setup/x/y', '../../a'], ['dangling', 'nothing'])
    expect((await lstat(join(path, 'setup/x/y'))).isSymbolicLink()).toBe(true)
  })
  test.each<[string, [string, string][]]>([
    ['absolute', [['b', '/etc/passwd']]],
    ['parent', [['b', '../..']]],
    [
      'through another link',
      [
        ['here', '.'],
        ['b', 'here/../..'],
      ],
    ],
    [
      'in two steps',
      [
        ['deep', '.'],
        ['b', 'deep/..'],
      ],
    ],
  ])('may not leave: %s', async (_name, links) => {
    await expect(link(...links)).rejects.toMatchObject({ reason: 'symlink-escapes' })
  })
})

test('a lock that a killed fetch left is no obstacle', async () => {
  const repository = await server.createRepository('locked')
  await repository.commit({ a: '1' })
  await checkout(repository, { branch: 'main' })
  const gitDirs = await readdir(join(directory, 'mirrors'))
  for (const name of gitDirs)
    for (const lock of ['shallow.lock', 'packed-refs.lock', 'refs/fairway/heads/main.lock'])
      await writeFile(join(directory, 'mirrors', name, lock), '').catch(ignoreAbsent)
  const next = await repository.commit({ a: '2' })
  expect((await checkout(repository, { branch: 'main' })).source.commit).toBe(next)
})

test('a mirror that cannot be looked at is not made anew', async () => {
  const repository = await server.createRepository('unreadable')
  await repository.commit({ a: '1' })
  const before = new Set(await readdir(join(directory, 'mirrors')))
  await checkout(repository, { branch: 'main' })
  const [made] = (await readdir(join(directory, 'mirrors'))).filter((name) => !before.has(name))
  const info = join(directory, 'mirrors', made ?? '', 'info')
  await rm(info, { recursive: true })
  await symlink('info', info)
  await expect(checkout(repository, { branch: 'main' })).rejects.toThrow(/ELOOP/)
})

test('many at once share a mirror', async () => {
  const repository = await server.createRepository('busy')
  const commits = [await repository.commit({ a: '1' }), await repository.commit({ a: '2' })]
  const sources = await Promise.all(
    [...commits, ...commits].map((commit) => checkout(repository, { commit, branch: 'main' })),
  )
  expect(sources.map(({ source }) => source.commit)).toEqual([...commits, ...commits])
})
