import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type GitServer, startGitServer } from '../../test/support/git-server.ts'
import { createGit } from './command.ts'
import { listCommitsBetween } from './commits-between.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'

let server: GitServer
let directory: string
let mirrors: Mirrors
const { signal } = new AbortController()

beforeAll(async () => {
  server = await startGitServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-between-'))
  const protocols = ['http'] as const
  const git = createGit({ home: directory, protocols })
  mirrors = createMirrors(git, join(directory, 'mirrors'), protocols, createLoopbackDialer())
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const between = (url: string, commit: string, since: string) =>
  listCommitsBetween(mirrors, url, { commit, since }, undefined, signal)

test('what is new, newest first, and what would be served no more', async () => {
  const repository = await server.createRepository('between')
  const base = await repository.commit({ a: '1' }, { message: 'Begin' })
  const hotfix = await repository.commit({ a: '2' }, { message: 'Mend the till' })
  await repository.git('checkout', '--quiet', '--detach', base)
  const first = await repository.commit({ b: '1' }, { branch: 'release/1.0', message: 'Cards\n\nat length' })
  const second = await repository.commit({ b: '2' }, { branch: 'release/1.0', message: 'Points' })
  expect(await between(repository.url, second, hotfix)).toEqual({
    since: hotfix,
    added: [
      { id: second, author: 'Test <test@example.test>', subject: 'Points' },
      { id: first, author: 'Test <test@example.test>', subject: 'Cards' },
    ],
    addedCount: 2,
    removed: [{ id: hotfix, author: 'Test <test@example.test>', subject: 'Mend the till' }],
    removedCount: 1,
    unknown: '',
  })
  expect(await between(repository.url, second, second)).toMatchObject({ addedCount: 0, removedCount: 0 })
})

test('all are counted, and the newest hundred told, each in a line of sane length', async () => {
  const repository = await server.createRepository('many')
  const base = await repository.commit({ a: '1' })
  const tree = await repository.git('rev-parse', 'HEAD^{tree}')
  let head = base
  for (let at = 0; at < 102; at++)
    head = await repository.git('commit-tree', tree, '-p', head, '-m', `${at} ${'é'.repeat(2_000)}`)
  await repository.git('reset', '--quiet', '--hard', head)
  await repository.push()
  const found = await between(repository.url, head, base)
  expect([found.addedCount, found.added.length, found.unknown]).toEqual([102, 100, ''])
  expect(found.added[0]).toMatchObject({ id: head, subject: expect.stringMatching(/^101 é+\.\.$/) })
  expect(found.added.every(({ subject }) => subject.length <= 300)).toBe(true)
})

test('a history that does not come in time is said, and nobody waits for it; who stops it is obeyed', async () => {
  const repository = await server.createRepository('slow')
  const other = await server.createRepository('stopped')
  const since = await repository.commit({ a: '1' })
  const commit = await repository.commit({ a: '2' })
  const ends = { commit, since }
  const late = await listCommitsBetween(mirrors, repository.url, ends, undefined, signal, 0)
  expect(late).toMatchObject({ added: [], unknown: expect.stringContaining('did not come in time') })
  // Its files came for nothing, and would again with the next build.
  expect(await between(repository.url, commit, since)).toMatchObject({
    added: [],
    unknown: expect.stringContaining('asked again within a day'),
  })
  const stopped = AbortSignal.abort(new Error('cancelled'))
  await expect(listCommitsBetween(mirrors, other.url, ends, undefined, stopped)).rejects.toThrow('cancelled')
})

test('what a fetch that was killed has left goes with the next', async () => {
  const repository = await server.createRepository('killed')
  const since = await repository.commit({ a: '1' })
  const commit = await repository.commit({ a: '2' })
  const { gitDir } = await mirrors.fetch(repository.url, { commit, branch: '', commitsOnly: true }, signal)
  const packs = join(gitDir, 'objects', 'pack')
  await writeFile(join(packs, 'tmp_pack_Xy12Ab'), 'half of it')
  const kept = (await readdir(packs)).filter((name) => !name.startsWith('tmp_'))
  expect(kept).not.toEqual([])
  await mirrors.fetch(repository.url, { commit: since, branch: '', commitsOnly: true }, signal)
  expect(await readdir(packs)).toEqual(expect.arrayContaining(kept))
  expect(await readdir(packs)).not.toContain('tmp_pack_Xy12Ab')
})

test('a commit that the repository has no more is said, and stops nothing', async () => {
  const repository = await server.createRepository('forced')
  const commit = await repository.commit({ a: '1' })
  const gone = 'c0ffee'.padEnd(40, '0')
  const found = await between(repository.url, commit, gone)
  expect(found).toMatchObject({ since: gone, added: [], removed: [], addedCount: 0 })
  expect(found.unknown).toContain('c0ffee')
})
