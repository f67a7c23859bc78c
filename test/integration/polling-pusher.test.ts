import { ConnectError } from '@connectrpc/connect'
import { beforeAll, expect, test } from 'vitest'
import { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { askFor } from '../support/approvals.ts'
import { usePolling } from '../support/use-polling.ts'

// A poll sees a push and not who pushed; the delivery that comes after it says so, and four eyes go by it.

const polling = usePolling()
const { begin, builds, events, hook, organizationId, polled, server, shop, sql } = polling
const tokens: Record<string, string> = {}

beforeAll(async () => {
  for (const name of ['ben', 'rita'])
    tokens[name] = await server().createMember(organizationId(), name, 'release-manager')
})

const api = (who: string) => server().client(ApprovalService, tokens[who])

/** A build of production that a poll began, and that waits for its approval. */
async function polledBuild() {
  await begin()
  const commit = await shop().repository.commit({ a: '2' })
  await polled()
  const [run] = await sql<{ id: string; environment_id: string }>(
    `update runs set status = 'running', advance_at = now() + interval '1 hour' where project_id = $1 returning id, environment_id`,
    [shop().id],
  )
  if (!run) throw new Error('nothing is built')
  const request = {
    runId: run.id,
    environmentId: run.environment_id,
    requestedBy: 'poll',
    commitAuthor: 'someone@example.org',
  }
  const ask = () =>
    askFor(server().context, { organizationId: organizationId(), projectId: shop().id }, request)
  const verdict = await ask()
  if (verdict.kind !== 'waiting') throw new Error(verdict.kind)
  const { approvalId } = verdict
  const shown = async (who: string) => {
    const { approval } = await api(who).getApproval({ approvalId })
    return approval ?? expect.fail('no approval')
  }
  const approve = async (who: string) =>
    await api(who).approve({ approvalId, subjectSha256: (await shown(who)).subjectSha256 })
  return { runId: run.id, commit, ask, verdict, shown, approve }
}

test('a vote of whoever pushed counts no more once the delivery says who it was', async () => {
  const { runId, commit, ask, verdict, shown, approve } = await polledBuild()
  expect(verdict.reason).toContain('who pushed is not known')
  expect((await shown('ben')).summary).toContain('(who pushed is not known)')
  await approve('ben')
  expect((await shown('ben')).status).toBe('approved')

  expect(await hook('main', commit, 'ben')).toContain('who pushed is kept with it')
  expect(await ask()).toMatchObject({ kind: 'waiting' })
  expect((await shown('rita')).summary).not.toContain('not known')
  const [run] = await sql(
    'select requested_by, pushed_by, advance_at <= now() as woken from runs where id = $1',
    [runId],
  )
  expect(run).toEqual({ requested_by: 'poll', pushed_by: 'git:ben', woken: true })
  expect(await events('build.pusher')).toMatchObject([
    { actor: 'git:ben', details: { pushedBy: 'git:ben', decidedBefore: [expect.any(String)] } },
  ])
  await approve('rita')
  expect(await ask()).toMatchObject({ kind: 'authorized', explanation: 'approved by rita' })
  expect(await builds()).toHaveLength(1)
})

test('whoever pushed may not vote afterwards, either; another push of the commit is a push', async () => {
  const { commit, shown, approve } = await polledBuild()
  await hook('main', commit, 'ben')
  expect((await shown('ben')).notForYou).toContain('ben asked for it')
  const refused = await approve('ben').then(
    () => expect.fail('it was approved'),
    (error: unknown) => ConnectError.from(error).metadata.get('fairway-reason'),
  )
  expect(refused).toBe('not-your-approval')
  expect(await hook('main', commit, 'rita')).toContain('A build of main is queued')
  expect((await builds()).map(({ requested_by }) => requested_by)).toEqual(['poll', 'git:rita'])
})

test('a delivery that names nobody leaves it unknown', async () => {
  const { commit, ask } = await polledBuild()
  await hook('main', commit)
  expect(await ask()).toMatchObject({
    kind: 'waiting',
    reason: expect.stringContaining('who pushed is not known'),
  })
})
