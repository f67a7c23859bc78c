import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CredentialService } from '../../proto/gen/fairway/v1/credentials_pb.js'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type LookingHosts, refusal, saying, startLookingHosts } from '../support/looking-hosts.ts'
import { waitFor } from '../support/wait-for.ts'

// What repositories and agents answer that mean no good, and what that takes with it: nothing.

let hosts: LookingHosts
let git: GitServer
let shop: string

beforeAll(async () => {
  hosts = await startLookingHosts()
  git = await startGitServer()
  const repository = await git.createRepository('acme/shop.git')
  await repository.commit({ a: '1' })
  shop = repository.url
}, 120_000)
afterEach(() => hosts.endTest())
afterAll(async () => {
  for (const each of [git, hosts]) await each?.[Symbol.asyncDispose]()
})

test('a path is one repository only where all hosts have the same there', async () => {
  const heads = { main: 'a'.repeat(40), x: 'b'.repeat(40) }
  await hosts.joinSaying(saying(heads))
  await hosts.joinSaying(saying(heads))
  const { check } = await hosts.createProject('/srv/git/same.git')
  expect(check).toMatchObject({ done: true, branches: ['main', 'x'] })
  expect(check?.hosts).toHaveLength(2)
  await hosts.joinSaying(saying({ ...heads, main: 'c'.repeat(40) }))
  expect(await refusal(hosts.createProject('/srv/git/same.git'))).toMatchObject({
    reason: 'repository-differs',
    message: expect.stringMatching(/not the same on the hosts host-.*main is at (a+ and at c+|c+ and at a+)/),
  })
})

describe('a repository with a great many branches, or none that can be told', () => {
  /** `main`, and as many more that begin with their number. */
  async function createWith(name: string, count: number, more: Buffer): Promise<string> {
    const repository = await git.createRepository(name)
    const commit = await repository.commit({ a: '1' })
    const refs = Array.from({ length: count }, (_, at) => {
      const begin = `${commit} refs/heads/b${String(at).padStart(5, '0')}`
      return Buffer.concat([Buffer.from(begin), more, Buffer.from('\n')])
    })
    await writeFile(join(git.directory, name, 'packed-refs'), Buffer.concat(refs))
    return repository.url
  }

  test('is read without the names that are no text, and says how many they are', async () => {
    await hosts.joinHost()
    // As bytes they fit into a message of the link; as text they are three times as long.
    const url = await createWith('acme/bytes.git', 9_000, Buffer.alloc(200, 0xff))
    const { check } = await hosts.createProject(url)
    expect(check).toMatchObject({ done: true, branches: ['main'], branchCount: 1, passedOver: 9_000 })
  })

  test('is too large, and takes nothing with it that others ask the host for', async () => {
    await hosts.joinHost()
    const url = await createWith('acme/long.git', 9_000, Buffer.from('語'.repeat(105)))
    expect(await refusal(hosts.createProject(url))).toMatchObject({ reason: 'repository-too-large' })
    expect((await hosts.createProject(shop)).check?.done).toBe(true)
  })

  test.each([
    ['more than a message takes', '\ufffd'.repeat(200)],
    ['less, and more than is kept', 'x'.repeat(350)],
  ])('is too large, also by the word of an agent: %s', async (_, more) => {
    const heads = Array.from({ length: 9_000 }, (_, at) => [`b${at}${more}`, 'a'.repeat(40)] as const)
    await hosts.joinSaying(saying(Object.fromEntries(heads)))
    expect(await refusal(hosts.createProject(shop))).toMatchObject({ reason: 'repository-too-large' })
  })

  test('is kept without names that an agent should not have said', async () => {
    const commit = 'a'.repeat(40)
    await hosts.joinSaying(saying({ main: commit, '\ufffd': commit, ['y'.repeat(241)]: commit }))
    const { check } = await hosts.createProject(shop)
    expect(check).toMatchObject({ branches: ['main'], passedOver: 2 })
  })
})

test('one question that cannot be put is answered as a fault of ours, and keeps none of its host’s waiting', async () => {
  const agent = await hosts.joinHost()
  const { project } = await hosts.createProject(shop, { checkRepository: false })
  await hosts.server.client(CredentialService, hosts.acme.token).setCredential({
    project: project?.name,
    kind: 'git',
    host: new URL(shop).host,
    username: 'ben',
    password: 'hunter2-hunter2',
  })
  await hosts.sql(
    String.raw`update secret_versions set value_sealed = value_sealed || '\x00'::bytea
     where secret_id in (select id from secrets where project_id = $1)`,
    [project?.id],
  )
  const refused = await refusal(hosts.projects().checkRepository({ project: project?.name }))
  expect(refused).toMatchObject({ reason: 'internal', message: expect.stringContaining('its log says why') })
  expect((await hosts.createProject(shop)).check?.done).toBe(true)

  // Nor does it keep the host from being welcomed, whatever waits for it.
  await agent.stop()
  const [look] = await hosts.sql<{ id: string }>(
    `insert into repository_looks (organization_id, project_id, host_id, url, asked_by, expires_at)
     select organization_id, id, $2::uuid, repository_url, 'member:ana', now() + interval '1 minute' from projects
     where id = $1 returning id`,
    [project?.id, agent.hostId],
  )
  agent.start()
  await waitFor('the fault', async () => {
    const [row] = await hosts.sql<{ reason: string }>(
      `select answer->>'reason' as reason from repository_looks where id = $1`,
      [look?.id],
    )
    return row?.reason === 'internal'
  })
  await hosts.isOnline(agent)
  expect((await hosts.createProject(shop)).check?.done).toBe(true)
})

test('a host whose greeting comes to nothing is offline, and welcomed the next time', async () => {
  const agent = await hosts.joinHost()
  await agent.stop()
  const before = await hosts.hostOf(agent)
  await hosts.sql('alter table repository_looks rename to looks_away')
  try {
    agent.start()
    await waitFor('the greeting', async () => (await hosts.hostOf(agent))?.boot_id !== before?.boot_id)
    await agent.stop()
  } finally {
    await hosts.sql('alter table looks_away rename to repository_looks')
  }
  await waitFor('the host to be offline', async () => (await hosts.hostOf(agent))?.status === 'offline')
  agent.start()
  await hosts.isOnline(agent)
  expect((await hosts.createProject(shop)).check?.done).toBe(true)
})
