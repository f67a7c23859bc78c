import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type GitServer, startGitServer, type TestRepository } from '../../test/support/git-server.ts'
import { assembleProject, type PinnedSource } from './assembly.ts'
import { createGit, type Git } from './command.ts'
import { mergeCommits } from './merge.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'

let server: GitServer
let directory: string
const { signal } = new AbortController()
const lines = Array.from({ length: 30 }, (_, index) => `line ${index}\n`)
const withLine = (index: number, text: string) => lines.with(index, `${text}\n`).join('')
let counter = 0

beforeAll(async () => {
  server = await startGitServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-merge-'))
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

/** Another host: mirrors of its own. */
function createHost(): Mirrors {
  const home = join(directory, `host-${++counter}`)
  const protocols = ['http'] as const
  return createMirrors(
    createGit({ home, protocols }),
    join(home, 'mirrors'),
    protocols,
    createLoopbackDialer(),
  )
}

/** A repository with a branch, and two pull requests on it. */
async function createPulls(name: string, theirs: { a: string; b: string }): Promise<TestRepository> {
  const repository = await server.createRepository(name)
  const first = await repository.commit({ 'm/file': lines.join(''), '.gitattributes': '* merge=union\n' })
  await repository.commit({ 'm/file': withLine(1, 'main'), '.gitattributes': '* merge=union\n' })
  for (const [number, content] of [
    [1, theirs.a],
    [2, theirs.b],
  ] as const) {
    await repository.git('checkout', '-q', '-B', `pull-${number}`, first)
    await repository.commit(
      { 'm/file': content, '.gitattributes': '* merge=union\n' },
      { branch: `pull-${number}` },
    )
    await repository.git(
      'push',
      '-q',
      'origin',
      `HEAD:refs/pull/${number}/head`,
      `:refs/heads/pull-${number}`,
    )
  }
  return repository
}

async function place(mirrors: Mirrors, merges: PinnedSource['merges'], commit = '') {
  const project = await server.createRepository(`project-${++counter}`)
  await project.commit({ a: '' })
  const files = join(directory, `files-${counter}`)
  const wanted = { commit: '', branch: 'main' }
  const scratch = `${files}.scratch`
  const assembly = await assembleProject(mirrors, project.url, wanted, { files, scratch }, signal)
  const [first] = merges
  const path = '.fairway-sources/m'
  const source = { path, url: first!.url, ref: first!.ref, commit, merges, declaredIn: 'repos.yaml:1' }
  const [placed] = await assembly.place([source])
  return { assembly, placed: placed!, files }
}

const pulls = ({ url }: TestRepository, ...refs: string[]) => refs.map((ref) => ({ url, ref, commit: '' }))

test('the same commits come out as the same commit on any host', async () => {
  const repository = await createPulls('same', { a: withLine(15, 'first'), b: withLine(28, 'second') })
  const merges = pulls(repository, 'main', 'refs/pull/1/head', 'refs/pull/2/head')
  const one = await place(createHost(), merges)
  const other = await place(createHost(), merges, one.placed.commit)
  expect(other.placed.commit).toBe(one.placed.commit)
  expect(await readFile(join(one.files, '.fairway-sources/m/m/file'), 'utf8')).toBe(
    lines.with(1, 'main\n').with(15, 'first\n').with(28, 'second\n').join(''),
  )
  expect(one.assembly.findTreeId('.fairway-sources/m/m')).toMatch(/^[0-9a-f]{40}$/)
  expect(one.assembly.findTreeId('.fairway-sources/m/m')).toBe(
    other.assembly.findTreeId('.fairway-sources/m/m'),
  )
  await expect(place(createHost(), merges, '1'.repeat(40))).rejects.toMatchObject({ reason: 'lock-mismatch' })
})

test('what is behind, or ahead, needs no merge', async () => {
  const repository = await server.createRepository('straight')
  const old = await repository.commit({ a: '1' })
  const head = await repository.commit({ a: '2' })
  const { url } = repository
  const behind = await place(createHost(), [...pulls(repository, 'main'), { url, ref: '', commit: old }])
  const ahead = await place(createHost(), [{ url, ref: '', commit: old }, ...pulls(repository, 'main')])
  expect([behind.placed.commit, ahead.placed.commit]).toEqual([head, head])
})

test('repositories of one history are merged across addresses, and a plain fetch of one cuts nothing short', async () => {
  const upstream = await server.createRepository('upstream')
  await upstream.commit({ 'm/file': lines.join('') })
  const fork = await server.createRepository('fork')
  await fork.git('pull', '-q', upstream.url, 'main')
  await fork.commit({ 'm/file': withLine(20, 'fork') })
  await upstream.commit({ 'm/file': withLine(2, 'upstream') })
  const host = createHost()
  await host.fetch(upstream.url, { commit: '', branch: 'main' }, signal)
  const merges = [...pulls(upstream, 'main'), ...pulls(fork, 'main')]
  const first = await place(host, merges)
  await host.fetch(upstream.url, { commit: '', branch: 'main' }, signal)
  expect((await place(host, merges)).placed.commit).toBe(first.placed.commit)
})

describe('what cannot be merged', () => {
  test('a conflict names repository, refs and files, whatever merge driver .gitattributes wants', async () => {
    const repository = await createPulls('conflict', { a: withLine(15, 'first'), b: withLine(15, 'second') })
    const merges = pulls(repository, 'main', 'refs/pull/1/head', 'refs/pull/2/head')
    await expect(place(createHost(), merges)).rejects.toMatchObject({
      reason: 'merge-conflict',
      message:
        `repos.yaml:1: refs/pull/2/head of ${repository.url} cannot be merged onto main of ${repository.url} + ` +
        `refs/pull/1/head of ${repository.url}: conflicts in m/file; rebase it, or leave it out`,
    })
  })

  test('histories that have nothing in common', async () => {
    const [one, other] = [await server.createRepository('one'), await server.createRepository('other')]
    await one.commit({ a: '1' })
    await other.commit({ b: '1' })
    const merges = [...pulls(one, 'main'), ...pulls(other, 'main')]
    await expect(place(createHost(), merges)).rejects.toMatchObject({ reason: 'merge-unrelated' })
  })

  test('a ref that is not there', async () => {
    const repository = await server.createRepository('no-ref')
    await repository.commit({ a: '1' })
    for (const ref of ['nowhere', 'refs/pull/9/head', '--upload-pack=x'])
      await expect(place(createHost(), pulls(repository, 'main', ref))).rejects.toMatchObject({
        reason: 'ref-missing',
        message: expect.stringMatching(/^repos\.yaml:1: /),
      })
  })
})

test('a git that cannot merge without a work tree is said to be too old', async () => {
  const repository = await server.createRepository('old-git')
  await repository.commit({ a: '1' })
  const { git, fetch } = createHost()
  const wanted = { commit: '', branch: 'main', history: true }
  const commit = { ...(await fetch(repository.url, wanted, signal)), ref: 'main' }
  const old: Git = async (args, options) => {
    const result = await git(args, options)
    return args.includes('--version') ? { ...result, stdout: 'git version 2.34.1\n' } : result
  }
  await expect(mergeCommits(old, [commit, commit], join(directory, 'old.git'), signal)).rejects.toMatchObject(
    {
      reason: 'git-too-old',
      message: expect.stringContaining('which has git version 2.34.1'),
    },
  )
})

test('a tag is found where no branch has its name, and a ref cannot pass for a commit', async () => {
  const repository = await server.createRepository('tags')
  const tagged = await repository.commit({ a: '1' })
  await repository.git('tag', '-a', '-m', 'x', 'v1')
  const head = await repository.commit({ a: '2' })
  await repository.git('push', '-q', 'origin', 'v1', `HEAD:refs/commits/${tagged}`)
  const host = createHost()
  const fetch = async (ref: string, commit = '') =>
    (await host.fetch(repository.url, { commit, branch: '', ref }, signal)).commit
  expect(await fetch('v1')).toBe(tagged)
  expect(await fetch('HEAD')).toBe(head)
  expect(await fetch(`refs/commits/${tagged}`)).toBe(head)
  expect(await fetch('', tagged)).toBe(tagged)
})

test.each(['sources/x', '.fairway-sources', '.fairway-sources/../x', '.fairway-sources/.git/x'])(
  'a source is placed nowhere else: %s',
  async (path) => {
    const project = await server.createRepository(`reserved-${++counter}`)
    await project.commit({ a: '' })
    const files = join(directory, `files-${counter}`)
    const wanted = { commit: '', branch: 'main' }
    const host = createHost()
    const assembly = await assembleProject(
      host,
      project.url,
      wanted,
      { files, scratch: `${files}.s` },
      signal,
    )
    const source = { path, url: project.url, ref: 'main', commit: '', merges: [], declaredIn: 'x:1' }
    await expect(assembly.place([source])).rejects.toMatchObject({ reason: 'bad-input' })
  },
)

test('a project that has files where sources are placed is refused', async () => {
  const project = await server.createRepository('taken')
  await project.commit({ '.fairway-sources/web/x': '' })
  const files = join(directory, 'taken')
  const wanted = { commit: '', branch: 'main' }
  await expect(
    assembleProject(createHost(), project.url, wanted, { files, scratch: `${files}.s` }, signal),
  ).rejects.toMatchObject({ reason: 'path-reserved' })
})
