import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { CredentialService } from '../../proto/gen/fairway/v1/credentials_pb.js'
import { startChild } from '../support/child.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type LookingHosts, refusal, startLookingHosts } from '../support/looking-hosts.ts'
import { giveTo, placeCopy } from '../support/owned-repository.ts'
import { type SshServer, startSshServer } from '../support/ssh-server.ts'
import { waitFor } from '../support/wait-for.ts'

// From the call of a person to a real git server, by a real link and a real agent: whether a repository can be read.

let hosts: LookingHosts
let git: GitServer
let locked: GitServer
let ssh: SshServer
let directory: string
let held: PromiseWithResolvers<void> | undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-checks-'))
  await chmod(directory, 0o755)
  hosts = await startLookingHosts()
  git = await startGitServer({
    async answer() {
      asked += 1
      await held?.promise
      return false
    },
  })
  locked = await startGitServer({ basicAuth: 'ben:hunter2-hunter2' })
  ssh = await startSshServer(git.directory)
  const shop = await git.createRepository('acme/shop.git')
  await shop.commit({ a: '1' }, { branch: 'trunk' })
  await shop.push('feature/x')
  await run('git', ['-C', join(git.directory, 'acme/shop.git'), 'symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  await (await locked.createRepository('acme/private.git')).commit({ a: '1' })
}, 120_000)
afterEach(async () => {
  held?.resolve()
  held = undefined
  await hosts.endTest()
})
afterAll(async () => {
  for (const each of [git, locked, ssh, hosts]) await each?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

let asked = 0
const create = (...args: Parameters<LookingHosts['createProject']>) => hosts.createProject(...args)
const count = async (table: string) =>
  Number((await hosts.sql<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n)

describe('a project is made', () => {
  test('where no host has joined, unchecked, and says why', async () => {
    const other = await hosts.createOrganization()
    const { check, project } = await create(`${git.url}/acme/shop.git`, {}, other)
    expect(check).toMatchObject({ done: false, note: expect.stringContaining('no host has joined yet') })
    expect(project?.defaultBranch).toBe('')
    const checked = await hosts.projects(other).checkRepository({ project: project?.name })
    expect(checked.check?.done).toBe(false)
  })

  test('without being asked for, as ever: nothing is looked at', async () => {
    await hosts.joinHost()
    const before = asked
    const { check } = await create(`${git.url}/nothing/there.git`, { checkRepository: false })
    expect(check).toBeUndefined()
    expect(asked).toBe(before)
  })

  test('and knows the branches and the default one of a repository over http', async () => {
    await hosts.joinHost()
    const { check, project } = await create(`${git.url}/acme/shop.git`)
    expect(check).toMatchObject({
      done: true,
      defaultBranch: 'trunk',
      branches: ['feature/x', 'trunk'],
      branchCount: 2,
    })
    expect(project?.defaultBranch).toBe('trunk')
    expect(project?.branchRules[0]?.pattern).toBe('trunk')
    expect(await count('repository_looks')).toBe(0)
    expect(await refusal(create(`${git.url}/acme/shop.git`, { defaultBranch: 'main' }))).toMatchObject({
      reason: 'invalid-default-branch',
      message: expect.stringContaining('it has feature/x, trunk'),
    })
  })

  test('not where the repository is not there, nothing of it', async () => {
    await hosts.joinHost()
    const before = await count('projects')
    const { reason, message } = await refusal(create(`${git.url}/acme/absent.git`))
    expect(reason).toBe('repository-denied')
    expect(message).toMatch(/Nothing was created.*--no-check.*fairway project check shop-/)
    expect(await count('projects')).toBe(before)
  })

  test('not with another address than one that can be read', async () => {
    await hosts.joinHost()
    const { project } = await create(`${git.url}/acme/shop.git`)
    const update = (repositoryUrl: string) =>
      hosts.projects().updateProject({ project: project?.name, repositoryUrl, checkRepository: true })
    expect(await refusal(update(`${git.url}/acme/absent.git`))).toMatchObject({ reason: 'repository-denied' })
    const { project: same } = await hosts.projects().getProject({ project: project?.name })
    expect(same?.repositoryUrl).toBe(`${git.url}/acme/shop.git`)
    expect((await update(`${git.url}/acme/shop.git/`)).check?.done).toBe(true)
  })
})

describe('a repository that asks who one is', () => {
  test('is refused with what to do, and read once its credential is set', async () => {
    await hosts.joinHost()
    const url = `${locked.url}/acme/private.git`
    const host = new URL(url).host
    const { reason, message } = await refusal(create(url))
    expect(reason).toBe('repository-denied')
    expect(message).toContain(`fairway credential set ${hosts.lastName()} git ${host}`)
    const { project } = await create(url, { checkRepository: false })
    const name = project?.name ?? ''
    expect(await refusal(hosts.projects().checkRepository({ project: name }))).toMatchObject({
      reason: 'repository-denied',
    })
    const credentials = hosts.server.client(CredentialService, hosts.acme.token)
    const set = (password: string) =>
      credentials.setCredential({ project: name, kind: 'git', host, username: 'ben', password })
    await set('another-password')
    const wrong = await refusal(hosts.projects().checkRepository({ project: name }))
    expect(wrong.reason).toBe('repository-denied')
    expect(wrong.message).not.toContain('another-password')
    await set('hunter2-hunter2')
    const { check } = await hosts.projects().checkRepository({ project: name })
    expect(check).toMatchObject({ done: true, defaultBranch: 'main' })
    const events = await hosts.sql<{ action: string; details: string }>(
      `select action, details::text from audit_events where project_id = $1 and action in ('secret.deliver', 'project.check')
       order by id`,
      [project?.id],
    )
    expect(events.map(({ action }) => action)).toEqual([
      'project.check',
      ...['secret.deliver', 'project.check'],
      ...['secret.deliver', 'project.check'],
    ])
    expect(JSON.stringify(events)).not.toMatch(/hunter2|another-password/)
  })

  test('by ssh, with the project’s key', async () => {
    const agent = await hosts.joinHost()
    const url = ssh.urlOf('acme/shop.git')
    expect(await refusal(create(url))).toMatchObject({ reason: 'repository-denied' })
    const { project } = await create(url, { checkRepository: false })
    await hosts.server.client(CredentialService, hosts.acme.token).setCredential({
      project: project?.name,
      kind: 'git',
      host: ssh.host,
      sshKey: await ssh.createKey(),
    })
    const { check } = await hosts.projects().checkRepository({ project: project?.name })
    expect(check).toMatchObject({ done: true, defaultBranch: 'trunk' })
    const { stdout } = await run('find', [join(agent.directory, 'work'), '-type', 'f'])
    expect(stdout).toBe('')
  })
})

describe('a path', () => {
  test('is read in the folders of the host, and in no other organization’s', async () => {
    const path = await placeCopy(join(git.directory, 'acme/shop.git'), join(directory, 'read/acme/shop.git'))
    await hosts.joinHost(hosts.acme, [join(directory, 'read')])
    const { project, check } = await create(path)
    expect(project?.repositoryUrl).toBe(`file://${path}`)
    expect(check).toMatchObject({ done: true, defaultBranch: 'trunk' })
    const other = await hosts.createOrganization()
    await hosts.joinHost(other)
    const { reason, message } = await refusal(create(path, {}, other))
    expect(reason).toBe('repository-path')
    expect(message).toContain(`FAIRWAY_GIT_ROOTS=${join(directory, 'read/acme')}`)
  })

  test('is refused beyond them, and where a link leads out', async () => {
    const inside = join(directory, 'inside')
    await run('git', ['init', '-q', '--bare', join(inside, 'own.git')])
    await giveTo(join(inside, 'own.git'))
    await symlink(join(git.directory, 'acme/shop.git'), join(inside, 'link.git'))
    await hosts.joinHost(hosts.acme, [inside])
    expect((await create(join(inside, 'own.git'))).check).toMatchObject({ done: true, branchCount: 0 })
    for (const path of [join(inside, 'link.git'), join(git.directory, 'acme/shop.git')])
      expect(await refusal(create(path)), path).toMatchObject({ reason: 'repository-path' })
  })

  test('has to be readable on each host, as builds go to any', async () => {
    const path = await placeCopy(join(git.directory, 'acme/shop.git'), join(directory, 'each/shop.git'))
    await hosts.joinHost(hosts.acme, [join(directory, 'each')])
    await hosts.joinHost()
    const { reason, message } = await refusal(create(path))
    expect(reason).toBe('repository-path')
    expect(message).toMatch(/^On host host-/)
  })
})

test('an agent that is killed in the middle is asked again when it is back', async () => {
  const agent = await hosts.joinHost()
  await agent.stop()
  const env = {
    FAIRWAY_AGENT_DIR: agent.directory,
    FAIRWAY_SERVERS: `127.0.0.1:${hosts.link.port}`,
  }
  const first = await startChild('./look-child.ts', env)
  hosts.opened.push(first)
  await hosts.isOnline(agent)
  held = Promise.withResolvers()
  const before = asked
  const creating = create(`${git.url}/acme/shop.git`)
  await waitFor('the repository to be asked', () => asked > before)
  await first.kill()
  held.resolve()
  held = undefined
  hosts.opened.push(await startChild('./look-child.ts', env))
  expect((await creating).check).toMatchObject({ done: true, defaultBranch: 'trunk' })
})
