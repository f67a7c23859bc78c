import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { usePolling } from '../support/use-polling.ts'
import { waitFor } from '../support/wait-for.ts'

// One change that comes to nothing keeps no other back, and what happens to the project meanwhile is no harm.

const polling = usePolling()
const { asked, begin, builds, cli, git, hold, hook, polled, release, row, server, shop, sql } = polling

const ignored = async () =>
  (
    await sql<{ branch: string }>('select branch from ignored_pushes where project_id = $1 order by branch', [
      shop().id,
    ])
  ).map(({ branch }) => branch)

/** Of git: parts of up to 255 characters, and nothing that packs. */
const longName = () =>
  `feature/${Array.from({ length: 16 }, () => randomBytes(150).toString('hex').slice(0, 200)).join('/')}`

test('a name that no index takes is passed over, pushed and deleted, and others go on', async () => {
  await begin()
  const long = longName()
  const first = await shop().repository.commit({ a: '2' }, { branch: long })
  await shop().repository.push('main')
  await shop().repository.push('notes')
  await polled()
  expect((await row())?.failures).toBe(0)
  expect(await builds()).toEqual([{ branch: 'main', commit: first, requested_by: 'poll' }])
  expect(await ignored()).toEqual(['notes'])
  await shop().repository.git('push', '--quiet', 'origin', `:${long}`)
  await polled()
  expect((await row())?.failures).toBe(0)
})

test('so is one that is not UTF-8, and one that agents could not ask for', async () => {
  await begin()
  const bare = join(git().directory, `${shop().name}.git`)
  await run('sh', ['-c', `git update-ref "refs/heads/feature/$(printf 'caf\\351')" main`], { cwd: bare })
  await shop().repository.push(`feature/${'x'.repeat(233)}`)
  await shop().repository.push('feature/x')
  await polled()
  expect((await row())?.failures).toBe(0)
  expect((await builds()).map(({ branch }) => branch)).toEqual(['feature/x'])
  expect(await ignored()).toEqual([])
  await polled()
  expect(await builds()).toHaveLength(1)
})

test('a change that fails is left for the next poll', async () => {
  await begin()
  await sql(`create function refuse_cursed() returns trigger language plpgsql as $$
    begin raise exception 'no'; end $$;
    create trigger cursed before insert on ignored_pushes for each row when (new.branch = 'cursed')
    execute function refuse_cursed()`)
  try {
    await shop().repository.commit({ a: '2' }, { branch: 'cursed' })
    await shop().repository.push('feature/x')
    await shop().repository.push('main')
    await shop().repository.push('notes')
    await polled()
    const began = (await builds()).map(({ branch }) => branch)
    expect(began.sort()).toEqual(['feature/x', 'main'])
    expect(await ignored()).toEqual(['notes'])
    expect((await row())?.failures).toBe(0)
  } finally {
    await sql('drop trigger cursed on ignored_pushes; drop function refuse_cursed()')
  }
  await polled()
  expect(await ignored()).toEqual(['cursed', 'notes'])
  expect(await builds()).toHaveLength(2)
})

test('a project that is renamed while it is asked is built under its new name', async () => {
  await begin()
  const commit = await shop().repository.commit({ a: '2' })
  const before = asked()
  hold()
  const answered = polled()
  await waitFor('the repository to be asked', () => asked() > before)
  await cli('project', 'rename', shop().name, `${shop().name}-new`)
  release()
  await answered
  expect((await row())?.failures).toBe(0)
  expect(await builds()).toEqual([{ branch: 'main', commit, requested_by: 'poll' }])
})

test('deliveries wait for what is said of the project before they hold anything', async () => {
  const holder = new pg.Client({ connectionString: server().database.ownerUrl })
  await holder.connect()
  try {
    await holder.query('begin')
    await holder.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`pushes:${shop().id}`])
    const both = Promise.all([hook('main', 'a'.repeat(40)), hook('feature/x', 'b'.repeat(40))])
    const waiting = () =>
      sql<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      )
    await waitFor('both to wait', async () => (await waiting()).length === 2)
    const pids = (await waiting()).map(({ pid }) => pid)
    const theirs = await sql(
      `select mode from pg_locks where pid = any ($1) and relation = 'webhook_deliveries'::regclass`,
      [pids],
    )
    expect(theirs).toEqual([])
    await holder.query('commit')
    for (const answer of await both) expect(answer).toContain('is queued')
  } finally {
    await holder.end()
  }
})
