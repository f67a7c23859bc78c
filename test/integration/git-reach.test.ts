import { existsSync } from 'node:fs'
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, isIPv4 } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import ip from 'ipaddr.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAddressRules } from '../../agent/egress/addresses.ts'
import { parseAllowEntry } from '../../agent/egress/allow-list.ts'
import { createDialer } from '../../agent/egress/dial.ts'
import { readOwnAddresses } from '../../agent/egress/own-addresses.ts'
import { createGit } from '../../agent/git/command.ts'
import { openHostAccess } from '../../agent/git/host-access.ts'
import { createMirrors } from '../../agent/git/mirrors.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import type { TaskError } from '../../agent/tasks/task.ts'
import { CellStage, ResolveTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { createTestServices, ownImages, registry, type TestServices } from '../support/odoo-services.ts'
import { freePort } from '../support/postgres.ts'
import { startSshServer } from '../support/ssh-server.ts'
import { createTask } from '../support/task-context.ts'

// What addresses in a repository reach from the host that resolves it: the host's own services, its network, its cloud.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
/** A service of the host that says nothing, and counts who came. */
const service = createServer((socket) => {
  connections++
  socket.end()
})
let connections = 0
let open: number
let closed: number
let counter = 0

beforeAll(async () => {
  server = await startGitServer()
  services = await createTestServices({ networkAllow: [`127.0.0.1:${new URL(server.url).port}`] })
  handlers = createTaskHandlers(services)
  await new Promise<void>((done) => service.listen(0, done))
  open = (service.address() as AddressInfo).port
  closed = await freePort()
}, 60_000)
afterAll(async () => {
  service.close()
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
}, 60_000)
afterEach(() => {
  connections = 0
})

async function failureOf(repositoryUrl: string, networkAllow: string[] = []): Promise<TaskError> {
  const spec = create(ResolveTaskSchema, {
    repositoryUrl,
    branch: 'main',
    stage: CellStage.DEVELOPMENT,
    odooVersion: '19.0',
    defaultBaseImage: `${registry}/fairway/odoo:19.0`,
    imageRules: ownImages,
    networkAllow,
  })
  return handlers.resolve(spec, createTask().context).then(
    () => {
      throw new Error('it was resolved')
    },
    (error) => error,
  )
}

const someCommit = '0123456789'.repeat(4)
const declarations: [string, (repository: TestRepository, url: string) => Promise<unknown>][] = [
  [
    'a submodule',
    async (repository, url) => {
      await repository.commit({ '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ${url}\n` })
      await repository.git('update-index', '--add', '--cacheinfo', `160000,${someCommit},x`)
      await repository.git('commit', '--quiet', '-m', 'Add a submodule')
      await repository.push()
    },
  ],
  [
    'oca_dependencies.txt',
    (repository, url) => repository.commit({ 'oca_dependencies.txt': `x ${url} 19.0\n` }),
  ],
  [
    'repos.yaml',
    (repository, url) =>
      repository.commit({ 'repos.yaml': `./x:\n  remotes: { a: "${url}" }\n  merges: [a 19.0]\n` }),
  ],
  [
    'a merge of repos.yaml',
    (repository, url) =>
      repository.commit({
        'repos.yaml': `./x:\n  remotes: { own: "${repository.url}", a: "${url}" }\n  merges: [own main, a 19.0]\n`,
      }),
  ],
  [
    "Doodba's repos.yaml",
    (repository, url) =>
      repository.commit({
        'odoo/custom/src/repos.yaml': `x:\n  remotes: { a: "${url}" }\n  merges: [a 19.0]\n`,
        'odoo/custom/src/addons.yaml': 'x: ["*"]\n',
      }),
  ],
  [
    'the pattern of sources',
    (repository, url) =>
      repository.commit({
        'fairway.yaml': `sources:\n  oca: "${url}/{}"\n`,
        'oca_dependencies.txt': 'x\n',
      }),
  ],
]

describe.each(declarations)('an address in %s', (_what, declare) => {
  test.each([
    'http://127.0.0.1:PORT/x',
    'http://localhost:PORT/x',
    'ssh://git@127.0.0.1:PORT/x',
    'ssh://git@localhost:PORT/x',
    'http://169.254.169.254/latest/meta-data',
  ])(
    'reaches nothing: %s',
    async (address) => {
      const errors = []
      for (const port of [open, closed]) {
        const repository = await server.createRepository(`reach-${++counter}`)
        await declare(repository, address.replace('PORT', String(port)))
        const error = await failureOf(repository.url)
        expect(error).toMatchObject({ reason: 'repository-not-allowed' })
        errors.push(error.message.replaceAll(String(port), 'PORT'))
      }
      expect(connections).toBe(0)
      // Neither what is open, nor whether anything is.
      expect(errors[0]).toBe(errors[1])
      expect(errors[0]).toContain('network.allow')
    },
    60_000,
  )
})

describe('the address of the project itself', () => {
  test.each([
    'http://[::1]:PORT/x',
    'http://[::ffff:127.0.0.1]:PORT/x',
    'http://0.0.0.0:PORT/x',
    'http://0x7f.1:PORT/x',
    'http://2130706433:PORT/x',
    'http://0177.0.0.1:PORT/x',
    'http://127.1:PORT/x',
    'http://localhost.:PORT/x',
    'http://LOCALHOST:PORT/x',
    'https://127.0.0.1:PORT/x',
    'ssh://git@[::1]:PORT/x',
    'ssh://git@0x7f.1:PORT/x',
    'git@127.0.0.1:x',
    'git@localhost:x',
  ])('%s', async (address) => {
    const error = await failureOf(address.replace('PORT', String(open)))
    expect(error).toMatchObject({ reason: 'repository-not-allowed' })
    expect(connections).toBe(0)
  })

  test('a policy does not open the host', async () => {
    for (const address of [`http://127.0.0.1:${open}/x`, `ssh://git@localhost:${open}/x`]) {
      const error = await failureOf(address, [
        '127.0.0.1',
        'localhost',
        `127.0.0.1:${open}`,
        '0.0.0.0/0',
        '::/0',
      ])
      expect(error).toMatchObject({ reason: 'repository-not-allowed' })
    }
    expect(connections).toBe(0)
  })

  test.each(['git://127.0.0.1:PORT/x', 'file:///etc', 'ext::sh -c id', 'ftp://127.0.0.1:PORT/x', '/etc'])(
    'no other transport: %s',
    async (address) => {
      const error = await failureOf(address.replace('PORT', String(open)))
      // A path is one that no folder of this host was named for.
      const reason = address.startsWith('file:') ? 'repository-path' : 'repository-url'
      expect(error).toMatchObject({ reason })
      expect(connections).toBe(0)
    },
  )

  test('a name that does not exist reads like one that is private', async () => {
    const messages = []
    for (const host of ['localhost', 'nothing.invalid'])
      messages.push((await failureOf(`http://${host}:${open}/x`)).message.replaceAll(host, 'HOST'))
    expect(messages[0]).toBe(messages[1])
  })
})

test('a server that may be reached redirects to none that may not', async () => {
  await using redirecting = await startGitServer({ redirectTo: `http://127.0.0.1:${open}` })
  await using allowing = await createTestServices({
    networkAllow: [`127.0.0.1:${new URL(redirecting.url).port}`],
  })
  const wanted = { commit: '', branch: 'main' }
  const fetching = allowing.mirrors.fetch(`${redirecting.url}/x`, wanted, new AbortController().signal)
  await expect(fetching).rejects.toMatchObject({ reason: 'repository-not-allowed' })
  await expect(fetching).rejects.toThrow(`127.0.0.1:${open}`)
  expect(redirecting.requests).toHaveLength(1)
  expect(connections).toBe(0)
}, 60_000)

test("a key of the host's own is shown to no server", async (context) => {
  // OpenSSH looks where the user database says, whatever HOME is.
  const directory = join(userInfo().homedir, '.ssh')
  const made = await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'id_ecdsa')
  if (existsSync(file)) context.skip(`there is a ${file} already`)
  await using ssh = await startSshServer(server.directory)
  const repository = await server.createRepository('by-key-of-the-host')
  await repository.commit({ a: '1' })
  await using allowing = await createTestServices({ networkAllow: ['127.0.0.1'] })
  try {
    await writeFile(file, await ssh.createKey(), { mode: 0o600, flag: 'wx' })
    const wanted = { commit: '', branch: 'main' }
    const url = ssh.urlOf('by-key-of-the-host')
    const fetching = allowing.mirrors.fetch(url, wanted, new AbortController().signal)
    await expect(fetching).rejects.toMatchObject({ reason: 'repository-denied' })
  } finally {
    await rm(file, { force: true })
    if (made) await rmdir(directory)
  }
}, 60_000)

test('what a policy opens is fetched, and is there for its project alone', async (context) => {
  // As if a private address of ours were another machine's.
  const ownAddresses = () => ({ addresses: [], containerNetworks: [] })
  const rules = createAddressRules({ operator: [], containerNetworks: [], ownAddresses })
  // Docker's own bridge, which stays; those of other agents on this machine come and go.
  const bridge = await services.docker.docker.getNetwork('bridge').inspect()
  const [subnet] = (bridge.IPAM?.Config ?? []).map((config) => ip.parseCIDR(config.Subnet ?? ''))
  const address = readOwnAddresses().addresses.find(
    (one) => isIPv4(one) && subnet?.[0].kind() === 'ipv4' && ip.parse(one).match(subnet),
  )
  if (!address) return context.skip('this machine has no bridge of Docker')
  await using intern = await startGitServer({ address })
  const repository = await intern.createRepository('intern')
  const commit = await repository.commit({ a: '1' })
  const git = createGit({ home: services.directory, protocols: ['http'] })
  const directory = join(services.directory, 'intern')
  const mirrors = createMirrors(git, directory, ['http'], createDialer({ rules }))
  const { signal } = new AbortController()
  const accessOf = (project: string, ...allow: string[]) =>
    openHostAccess(project, {}, join(directory, 'keys'), allow.map(parseAllowEntry))
  const wanted = { commit, branch: '' }
  const shop = mirrors.as(await accessOf('shop', address))
  expect((await shop.fetch(repository.url, wanted, signal)).commit).toBe(commit)
  for (const other of [
    mirrors,
    mirrors.as(await accessOf('other')),
    mirrors.as(await accessOf('third', 'git.intern')),
  ])
    await expect(other.fetch(repository.url, wanted, signal)).rejects.toMatchObject({
      reason: 'repository-not-allowed',
    })
})
