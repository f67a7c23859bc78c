import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { usePolling } from '../support/use-polling.ts'
import { waitFor } from '../support/wait-for.ts'
import { deliverGithub, githubPush } from '../support/webhooks.ts'

// Whether what answers a poll still is the project's repository: git says no ids, and names are given away again.

const polling = usePolling()
const {
  asked,
  begin,
  builds,
  cli,
  events,
  git,
  hold,
  polled,
  release,
  row,
  server,
  shop,
  show,
  sql,
  tryCli,
} = polling

const pinned = ['--repository-id', '42', '--owner-id', '7']
const slug = () => shop().repository.url.replace(/^https?:\/\/[^/]+\/|\.git$/g, '')
const deliver = (repository: Record<string, unknown>, branch = 'notes') =>
  deliverGithub(server(), shop().secret, githubPush({ full_name: slug(), ...repository }, branch))

/** Somebody else takes the name over. */
async function replace(...branches: readonly string[]): Promise<void> {
  const path = join(git().directory, `${shop().name}.git`)
  await rename(path, `${path}.away`)
  const other = await git().createRepository(`${shop().name}-other.git`)
  await other.commit({ evil: '1' })
  for (const branch of branches) await other.push(branch)
  await rename(join(git().directory, `${shop().name}-other.git`), path)
}

test('a repository that is pinned is not polled: somebody else may have its name', async () => {
  await cli('project', 'pin', shop().name, ...pinned, '--repository', shop().repository.url)
  const refused = await tryCli('project', 'update', shop().name, '--poll', '5m')
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain(
    'its repository is pinned (repository 42 of owner 7 at GitHub), and git says no ids',
  )
  expect(await row()).toBeUndefined()
})

test('one that a delivery pins is polled no more, and no push of whoever has its name is built', async () => {
  await begin()
  expect(await deliver({ id: 42, owner: { id: 7 } })).toMatchObject({ status: 202 })
  expect((await deliver({ id: 43, owner: { id: 8 } }, 'main')).status).toBe(409)
  await replace('feature/old')
  const before = asked()
  await polled()
  expect(asked()).toBe(before)
  expect(await builds()).toEqual([])
  expect((await show()).poll.error).toContain('its repository is pinned')
})

test('one that is pinned while it is asked, too', async () => {
  await begin()
  await shop().repository.commit({ a: '2' })
  const before = asked()
  hold()
  const answered = polled()
  await waitFor('the repository to be asked', () => asked() > before)
  await deliver({ id: 42, owner: { id: 7 } })
  release()
  await answered
  expect(await builds()).toEqual([])
  expect((await show()).poll.error).toContain('its repository is pinned')
})

test('one of which another repository was refused waits for the owner', async () => {
  await begin()
  const claim = JSON.stringify({
    slug: 'a/b',
    repository: 'github:1',
    owner: 'github:2',
    at: new Date().toISOString(),
  })
  await sql('update projects set repository_claim = $2 where id = $1', [shop().id, claim])
  await shop().repository.commit({ a: '2' })
  await polled()
  expect(await builds()).toEqual([])
  expect((await show()).poll.error).toContain('waits for an owner')
  expect((await tryCli('project', 'update', shop().name, '--poll', '10m')).code).not.toBe(0)
})

test.each([
  ['one branch', []],
  ['the same names', ['feature/old']],
])(
  'another repository with %s under the name: nothing is built or deleted until an owner says so',
  async (_, names) => {
    await begin()
    const first = await shop().repository.commit({ a: '2' }, { branch: 'feature/old' })
    await polled()
    expect((await builds()).map(({ commit }) => commit)).toEqual([first])
    await replace(...names)
    await polled()
    expect(await builds()).toHaveLength(1)
    expect(
      await sql('select 1 from branches where project_id = $1 and deleted_at is not null', [shop().id]),
    ).toEqual([])
    const { error } = (await show()).poll
    expect(error).toContain('may be another repository under the same name')
    const [said] = /fairway project update \S+ --repository [^\s)]+/.exec(error) ?? ['']
    const failures = await events('project.poll-failed')
    expect(failures.at(-1)).toMatchObject({ actor: 'poll', details: { error } })

    await cli(...said.split(' ').slice(1))
    await waitFor('it to begin anew', async () => (await row())?.last_at ?? false)
    expect((await row())?.failures).toBe(0)
    expect(await builds()).toHaveLength(1)
  },
)

test('it is said in the audit log also where it could not be read before', async () => {
  await begin()
  const path = join(git().directory, `${shop().name}.git`)
  await rename(path, `${path}.gone`)
  await polled()
  await run('mv', [`${path}.gone`, path])
  await replace()
  await polled()
  await polled()
  const errors = (await events('project.poll-failed')).map(({ details }) => String(details.error))
  expect(errors).toHaveLength(2)
  expect(errors[1]).toContain('may be another repository')
})
