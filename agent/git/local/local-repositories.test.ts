import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../../test/support/dialers.ts'
import { giveTo, repositoryOwner } from '../../../test/support/owned-repository.ts'
import { run } from '../../process.ts'
import { createGit } from '../command.ts'
import { createMirrors, type Mirrors } from '../mirrors.ts'
import { createLocalRepositories } from './local-repositories.ts'

// Real repositories of several users, as on the host of somebody who has no forge. Other users need root; nothing is read as root.

const isRoot = process.getuid?.() === 0
const otherUser = 64_002
let directory: string
let roots: string
let mirrors: Mirrors
const { signal } = new AbortController()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-local-'))
  await chmod(directory, 0o755)
  roots = join(directory, 'git')
  await mkdir(roots, { mode: 0o755 })
  mirrors = mirrorsWith([roots])
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function mirrorsWith(gitRoots: readonly string[]): Mirrors {
  const protocols = ['https', 'file'] as const
  const home = join(directory, 'agent')
  const git = createGit({ home, protocols })
  const locals = createLocalRepositories(gitRoots)
  return createMirrors(git, join(directory, 'mirrors'), protocols, createLoopbackDialer(), { locals })
}

const git = async (...args: string[]): Promise<void> => {
  const identity = ['-c', 'user.name=x', '-c', 'user.email=x@x', '-c', 'safe.directory=*']
  await run('git', [...identity, ...args])
}

/** A bare repository with one commit on `main`; gives its path. */
async function createBare(name: string, { folder = roots, owner = repositoryOwner } = {}): Promise<string> {
  const path = join(folder, name)
  const work = join(directory, 'work', name)
  await git('init', '-q', '--bare', '-b', 'main', path)
  await git('init', '-q', '-b', 'main', work)
  await git('-C', work, 'commit', '-q', '--allow-empty', '-m', name)
  await git(
    '-C',
    work,
    'push',
    '-q',
    path,
    'HEAD:refs/heads/main',
    'HEAD:refs/heads/feature/x',
    'HEAD:refs/tags/v1',
  )
  await giveTo(path, owner)
  return path
}

const heads = (path: string, from = mirrors) => from.heads(`file://${path}`, signal)

describe('a path below a folder that was named', () => {
  test('is read, with its branches and its default one, and fetched', async () => {
    const path = await createBare('acme.git')
    const { defaultBranch, heads: found } = await heads(path)
    expect(defaultBranch).toBe('main')
    expect(found.map(({ branch }) => branch)).toEqual(['feature/x', 'main'])
    const wanted = { commit: '', branch: 'main', isOwn: true }
    expect((await mirrors.fetch(`file://${path}`, wanted, signal)).commit).toBe(found[1]?.commit)
  })

  test.runIf(isRoot)('is read as its owner, whoever that is', async () => {
    const path = await createBare('owned.git', { owner: otherUser })
    expect((await heads(path)).heads).toHaveLength(2)
    // What the owner may not read, the agent does not read for it.
    await chmod(join(path, 'objects'), 0o000)
    await expect(heads(path)).rejects.toMatchObject({ reason: 'repository-denied' })
  })

  test('may be a working copy with a .git folder, and have no commit yet', async () => {
    const work = join(roots, 'copy')
    await git('init', '-q', '-b', 'main', work)
    await giveTo(work)
    expect(await heads(work)).toEqual({ defaultBranch: '', heads: [], passedOver: 0 })
    await git('-C', work, 'commit', '-q', '--allow-empty', '-m', 'x')
    await giveTo(work)
    expect((await heads(work)).defaultBranch).toBe('main')
  })

  test('runs nothing of what is configured or hooked there', async () => {
    const path = await createBare('hostile.git')
    const trace = join(directory, 'ran')
    const command = `touch ${trace}; cat`
    for (const key of [
      'uploadpack.packObjectsHook',
      'core.fsmonitor',
      'core.sshCommand',
      'core.alternateRefsCommand',
    ])
      await git('-C', path, 'config', key, command)
    await git('-C', path, 'config', 'remote.origin.url', 'ext::sh -c touch% /tmp/x')
    await git('-C', path, 'config', 'remote.origin.promisor', 'true')
    await git('-C', path, 'config', 'remote.origin.uploadpack', command)
    for (const hook of ['post-upload-pack', 'pre-receive', 'post-checkout']) {
      await writeFile(join(path, 'hooks', hook), `#!/bin/sh\n${command}\n`, { mode: 0o755 })
    }
    await giveTo(path)
    await mirrors.fetch(`file://${path}`, { commit: '', branch: 'main', isOwn: true }, signal)
    expect(await readdir(directory)).not.toContain('ran')
  })
})

describe('a path is refused', () => {
  const refused = (path: string, reason: string, from = mirrors) =>
    expect(heads(path, from), path).rejects.toMatchObject({ reason })

  test('where no folder was named, with what to write', async () => {
    const path = await createBare('nowhere.git')
    await expect(heads(path, mirrorsWith([]))).rejects.toMatchObject({
      reason: 'repository-path',
      message: expect.stringContaining(`FAIRWAY_GIT_ROOTS=${roots} to its /etc/fairway/agent.env`),
    })
  })

  test('beyond the folders, however it is written, there or not alike', async () => {
    const outside = join(directory, 'outside')
    await mkdir(outside, { recursive: true })
    const path = await createBare('secret.git', { folder: outside })
    const absent = join(outside, 'absent.git')
    const said = async (of: string) => ((await heads(of).catch((error: Error) => error)) as Error).message
    expect((await said(path)).replaceAll(path, 'X')).toBe((await said(absent)).replaceAll(absent, 'X'))
    await refused(path, 'repository-path')
    await refused(`${roots}/../outside/secret.git`, 'repository-path')
    await refused(`${roots}/%2e%2e/outside/secret.git`, 'repository-path')
    await refused(`${roots}-other/x.git`, 'repository-path')
    await refused(roots, 'repository-path')
    await refused('/', 'repository-path')
    await refused(`${roots}/x%00.git`, 'repository-url')
    await refused(`${roots}/x%2f..%2f..%2foutside%2fsecret.git`, 'repository-url')
  })

  test('that a symbolic link leads out by, at any place of it', async () => {
    const outside = join(directory, 'elsewhere')
    await mkdir(outside, { recursive: true })
    const path = await createBare('linked.git', { folder: outside })
    await symlink(path, join(roots, 'link.git'))
    await symlink(outside, join(roots, 'folder'))
    await refused(join(roots, 'link.git'), 'repository-path')
    await refused(join(roots, 'folder', 'linked.git'), 'repository-path')
    // One that stays within is only another name.
    await symlink(await createBare('real.git'), join(roots, 'alias.git'))
    expect((await heads(join(roots, 'alias.git'))).heads).toHaveLength(2)
    // Named as well, the folder that it leads to is read.
    expect((await heads(join(roots, 'link.git'), mirrorsWith([roots, outside]))).heads).toHaveLength(2)
  })

  test.each([
    'objects',
    'refs',
    'HEAD',
    'config',
    'packed-refs',
    'objects/info',
    'objects/pack',
    'commondir',
  ])('of a repository whose %s is another’s', async (name) => {
    const outside = join(directory, 'lender')
    await mkdir(outside, { recursive: true })
    const unique = `lender-${name.replace('/', '-')}.git`
    const lender = await createBare(unique, { folder: outside })
    const path = await createBare(`borrower-${name.replace('/', '-')}.git`)
    await rm(join(path, name), { recursive: true, force: true })
    if (name === 'commondir') await writeFile(join(path, name), `${lender}\n`)
    else await symlink(join(lender, name), join(path, name))
    await refused(path, 'repository-denied')
  })

  test('of a .git that is a file or a link to elsewhere', async () => {
    const outside = join(directory, 'gitfiles')
    await mkdir(outside, { recursive: true })
    const lender = await createBare('gitfile.git', { folder: outside })
    for (const [name, make] of [
      ['file', (at: string) => writeFile(at, `gitdir: ${lender}\n`)],
      ['link', (at: string) => symlink(lender, at)],
    ] as const) {
      const work = join(roots, `gitfile-${name}`)
      await mkdir(work)
      await make(join(work, '.git'))
      await refused(work, 'repository-denied')
    }
  })

  test('that borrows objects from beyond, itself or by another', async () => {
    const outside = join(directory, 'objects')
    await mkdir(outside, { recursive: true })
    const lender = await createBare('rich.git', { folder: outside })
    const lend = async (to: string, line: string) => {
      await mkdir(join(to, 'objects', 'info'), { recursive: true })
      await writeFile(join(to, 'objects', 'info', 'alternates'), `${line}\n`)
      await giveTo(to)
    }
    const near = await createBare('near.git')
    const far = await createBare('far.git')
    await lend(near, '../../far.git/objects')
    expect((await heads(near)).heads).toHaveLength(2)
    if (isRoot) {
      // Of what another account has there, nothing is known.
      await giveTo(far, otherUser)
      await refused(near, 'repository-unsafe')
      await giveTo(far)
    }
    for (const line of [`${lender}/objects`, '../../../objects/rich.git/objects', `"${lender}/objects"`]) {
      await lend(far, line)
      await refused(far, 'repository-unsafe')
      await refused(near, 'repository-unsafe')
    }
  })

  test('that everybody may write to, or to a folder above it', async () => {
    const folder = join(roots, 'shared')
    await mkdir(folder, { recursive: true })
    const path = await createBare('open.git', { folder })
    expect((await heads(path)).heads).toHaveLength(2)
    for (const open of [path, join(path, 'objects'), join(path, 'config'), folder]) {
      await chmod(open, 0o777)
      await refused(path, 'repository-unsafe')
      await chmod(open, 0o755)
    }
  })

  test.runIf(isRoot)('of root: nothing is read as root', async () => {
    const path = await createBare('roots.git', { owner: 0 })
    await expect(heads(path)).rejects.toMatchObject({
      reason: 'repository-unsafe',
      message: expect.stringContaining('chown -R git:'),
    })
    await giveTo(path)
    expect((await heads(path)).heads).toHaveLength(2)
    // As root’s group nothing is read, either.
    const folder = join(roots, 'of-group')
    await mkdir(folder)
    await chmod(folder, 0o750)
    const grouped = await createBare('grouped.git', { folder })
    await chown(grouped, repositoryOwner, 0)
    await refused(grouped, 'repository-denied')
  })

  test
    .runIf(isRoot)
    .each([
      ...['HEAD', 'config', 'packed-refs', 'refs', 'refs/heads', 'refs/heads/feature/x'],
      ...['objects', 'objects/info', 'objects/pack', 'pack', 'loose'],
    ])('whose %s is another account’s, or a link to something', async (name) => {
    const path = await createBare(`inside-${name.replaceAll('/', '-')}.git`)
    await git('-C', path, 'repack', '-q', '-a', '-d')
    await git('-C', path, 'pack-refs')
    await git('-C', path, 'update-ref', 'refs/heads/feature/x', 'main')
    await mkdir(join(path, 'objects/ab'))
    await writeFile(join(path, 'objects/ab', 'c'.repeat(38)), '')
    const [pack = ''] = await readdir(join(path, 'objects/pack'))
    const part = { pack: `objects/pack/${pack}`, loose: `objects/ab/${'c'.repeat(38)}` }[name] ?? name
    await giveTo(path)
    expect((await heads(path)).heads).toHaveLength(2)
    await chown(join(path, part), otherUser, otherUser)
    await refused(path, 'repository-unsafe')
    await giveTo(path)
    await rename(join(path, part), join(directory, 'away'))
    await symlink(join(directory, 'away'), join(path, part))
    await giveTo(path)
    await expect(heads(path)).rejects.toMatchObject({ reason: expect.stringMatching(/-unsafe|-denied/) })
    await rm(join(directory, 'away'), { recursive: true })
  })

  test('that is no repository, or is not there', async () => {
    await mkdir(join(roots, 'empty'))
    await refused(join(roots, 'empty'), 'repository-denied')
    await refused(join(roots, 'absent.git'), 'repository-denied')
  })

  test('that contents of a repository name: submodules and sources', async () => {
    const path = await createBare('asked.git')
    await expect(
      mirrors.fetch(`file://${path}`, { commit: '', branch: 'main' }, signal),
    ).rejects.toMatchObject({
      reason: 'repository-url',
    })
  })
})
