import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { LookAtRepository } from '../../agent/look/look.ts'
import { LookedSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createTestLook } from '../support/look.ts'
import { saying } from '../support/looking-hosts.ts'
import { usePolling } from '../support/use-polling.ts'

// Which of several hosts a poll asks, and what it makes of their answers.

const polling = usePolling()
const { agent, begin, builds, cliReading, joinOther, online, polled, row, shop, show, sql } = polling

const withSaying =
  (said: Record<string, string>): (() => LookAtRepository) =>
  () =>
  async ({ lookId }) =>
    create(LookedSchema, { lookId, ...saying(said) })

/** As `online` is left where a server has not noticed yet. */
async function leave(other: { hostId: string; stop(): Promise<void> }): Promise<void> {
  await other.stop()
  await sql(`update hosts set status = 'offline' where id = $1`, [other.hostId])
}

test('credentials go to a host once by the audit log, and to another host again', async () => {
  const host = new URL(shop().repository.url).host
  const set = ['credential', 'set', shop().name, 'git', host, '--username', 'ben', '--password-stdin']
  const { code, stderr } = await cliReading('hunter2-hunter2', ...set)
  expect(code, stderr).toBe(0)
  await begin()
  await polled()
  const delivered = async () => {
    const events = await sql<{ actor: string }>(
      `select actor from audit_events where action = 'secret.deliver' and subject_id = $1 order by id`,
      [`poll of ${shop().id}`],
    )
    return events.map(({ actor }) => actor)
  }
  expect(await delivered()).toEqual([`host:${agent().hostId}`])
  const other = await joinOther(createTestLook)
  await leave(agent())
  await polled()
  await polled()
  expect(await delivered()).toEqual([`host:${agent().hostId}`, `host:${other.hostId}`])
  agent().start()
  await online()
})

test('of a path another host’s files are not what became of it, and take no branches for deleted', async () => {
  await leave(agent())
  await sql(`update projects set repository_url = 'file:///srv/git/x.git' where id = $1`, [shop().id])
  const said = { main: 'a'.repeat(40), 'feature/x': 'b'.repeat(40) }
  const first = await joinOther(withSaying(said))
  await begin()
  said['feature/x'] = 'c'.repeat(40)
  await polled()
  expect(await builds()).toMatchObject([{ branch: 'feature/x' }])
  const living = async () =>
    await sql('select 1 from branches where project_id = $1 and deleted_at is null', [shop().id])
  expect(await living()).toHaveLength(1)
  await leave(first)
  const second = await joinOther(withSaying({ main: 'a'.repeat(40) }))
  await polled()
  expect((await row())?.failures).toBe(1)
  expect((await show()).poll.error).toContain('only other hosts answer now')
  expect(await living()).toHaveLength(1)
  // One that was given up is not waited for.
  await sql(`update hosts set status = 'revoked' where id = $1`, [first.hostId])
  await polled()
  expect((await row())?.failures).toBe(0)
  expect(await living()).toHaveLength(0)
  expect(await sql('select answered_by from repository_polls')).toEqual([{ answered_by: [second.hostId] }])
  agent().start()
  await online()
})

test('what has not changed is not written again', async () => {
  await begin()
  await sql(`create table heads_written (at timestamptz default now());
    create function note_heads() returns trigger language plpgsql security definer as
      $f$ begin insert into public.heads_written default values; return new; end $f$;
    create trigger note_heads before update of heads on repository_polls for each row execute function note_heads()`)
  const written = async () => (await sql('select 1 from heads_written')).length
  await polled()
  expect(await written()).toBe(0)
  await shop().repository.commit({ a: '2' })
  await polled()
  expect(await written()).toBe(1)
  await sql('drop trigger note_heads on repository_polls; drop function note_heads; drop table heads_written')
})
