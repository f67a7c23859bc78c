import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { startChild } from '../support/child.ts'
import { usePolling } from '../support/use-polling.ts'
import { waitFor } from '../support/wait-for.ts'

// A git server that delivers nothing, asked by an agent: from what is pushed there to a build.

const polling = usePolling()
const { agent, asked, begin, builds, cli, git, hold, hook, link, online } = polling
const { opened, poll, polled, release, row, shop, show, sql, tryCli } = polling

test('what is there is where it begins; then pushes, forced ones, new and deleted branches are seen', async () => {
  await begin()
  expect(await builds()).toEqual([])
  const first = await shop().repository.commit({ a: '2' })
  await polled()
  expect(await builds()).toEqual([{ branch: 'main', commit: first, requested_by: 'poll' }])
  await polled()
  expect(await builds()).toHaveLength(1)

  await shop().repository.git('commit', '--amend', '--quiet', '-m', 'Another')
  await shop().repository.push('main')
  await shop().repository.push('feature/new')
  await shop().repository.push('notes')
  await polled()
  expect(
    (await builds())
      .slice(1)
      .map(({ branch }) => branch)
      .sort(),
  ).toEqual(['feature/new', 'main'])
  const ignored = await sql<{ branch: string; pushed_by: string }>(
    'select branch, pushed_by from ignored_pushes where project_id = $1',
    [shop().id],
  )
  expect(ignored).toEqual([{ branch: 'notes', pushed_by: 'poll' }])

  await shop().repository.git('push', '--quiet', 'origin', ':feature/new', ':notes')
  await polled()
  const [branch] = await sql<{ deleted_at: Date | null }>(
    `select deleted_at from branches where project_id = $1 and name = 'feature/new'`,
    [shop().id],
  )
  expect(branch?.deleted_at).not.toBeNull()
  expect(await sql('select branch from ignored_pushes where project_id = $1', [shop().id])).toEqual([])
  await shop().repository.push('feature/new')
  await polled()
  expect((await builds()).at(-1)).toMatchObject({ branch: 'feature/new' })
  expect(await builds()).toHaveLength(4)
})

test('one push is one build, whether the hook or the poll is first', async () => {
  await begin()
  const first = await shop().repository.commit({ a: '2' })
  await polled()
  expect(await hook('main', first)).toContain('main was polled and its build begun')
  const second = await shop().repository.commit({ a: '3' })
  expect(await hook('main', second)).toContain('A build of main is queued')
  await polled()
  expect((await builds()).map(({ requested_by }) => requested_by)).toEqual(['poll', 'git:unknown'])
  // Both at once, in any order.
  const third = await shop().repository.commit({ a: '4' })
  await Promise.all([polled(), hook('main', third)])
  await polled()
  expect((await builds()).filter(({ commit }) => commit === third)).toHaveLength(1)
})

test('what is asked is asked once, however many servers there are', async () => {
  await begin()
  poll()
  poll()
  const before = asked()
  await shop().repository.commit({ a: '2' })
  await polled()
  expect(asked() - before).toBe(1)
  expect(await builds()).toHaveLength(1)
  expect(await sql('select id from repository_looks')).toEqual([])
})

test('a repository that cannot be read is shown, asked less and less often, and nothing is taken for deleted', async () => {
  await begin()
  const path = join(git().directory, `${shop().name}.git`)
  await rename(path, `${path}.away`)
  await polled()
  const failed = await row()
  expect(failed?.failures).toBe(1)
  expect((await show()).poll.error).toContain('cannot be read')
  expect(await cli('project', 'show', shop().name)).toMatch(
    /Polled +every 5m \(member:ana\), last .*1 in vain since/,
  )
  await polled()
  const again = await row()
  expect(again?.failures).toBe(2)
  expect(Number(again?.next_at) - Date.now()).toBeGreaterThan(900_000)

  // Made anew, empty: as good as a mistake.
  await run('git', ['init', '-q', '--bare', '-b', 'main', path])
  await polled()
  expect((await show()).poll.error).toContain('no branches any more')
  expect(
    await sql(`select 1 from branches where project_id = $1 and deleted_at is not null`, [shop().id]),
  ).toEqual([])
  await run('rm', ['-r', path])
  await rename(`${path}.away`, path)
  await polled()
  expect((await row())?.failures).toBe(0)
  const events = await sql<{ action: string; actor: string }>(
    `select action, actor from audit_events where project_id = $1 and action like 'project.%poll%' order by id`,
    [shop().id],
  )
  expect(events.map(({ action, actor }) => `${action} ${actor}`)).toEqual([
    'project.poll-failed poll',
    'project.poll-recovered poll',
  ])
})

test('is off until somebody asks for it, and off again; who did is in the audit log', async () => {
  poll()
  expect(await row()).toBeUndefined()
  expect((await tryCli('project', 'update', shop().name, '--poll', '10s')).code).toBe(2)
  await cli('project', 'update', shop().name, '--poll', '1h')
  await cli('project', 'update', shop().name, '--poll', 'off')
  expect(await row()).toBeUndefined()
  const events = await sql<{ actor: string; details: { now: { pollEverySeconds: number } } }>(
    `select actor, details from audit_events where project_id = $1 and action = 'project.update' order by id`,
    [shop().id],
  )
  expect(events.map(({ actor, details }) => `${actor} ${details.now.pollEverySeconds}`)).toEqual([
    'member:ana 3600',
    'member:ana 0',
  ])
})

test('an agent that is killed in the middle of a poll is asked again when it is back', async () => {
  await begin()
  await agent().stop()
  const agentEnv = { FAIRWAY_AGENT_DIR: agent().directory, FAIRWAY_SERVERS: `127.0.0.1:${link().port}` }
  const child = await startChild('./look-child.ts', agentEnv)
  opened.push(child)
  await online()
  const commit = await shop().repository.commit({ a: '2' })
  hold()
  const before = asked()
  const polling = polled()
  await waitFor('the repository to be asked', () => asked() > before)
  await child.kill()
  release()
  opened.push(await startChild('./look-child.ts', agentEnv))
  await polling
  expect(await builds()).toEqual([{ branch: 'main', commit, requested_by: 'poll' }])
})
