import { expect, it } from 'vitest'
import { startBuild } from '../../server/services/builds/builds.ts'
import { useApprovals } from '../support/use-approvals.ts'

// Four eyes where nobody knows whose push it was: the commit's author is kept from approving, whatever the policy says.

const { server, tenant, ask, policy, waiting, shown, approve, refusal } = useApprovals()

const commit = 'd'.repeat(40)
async function start(trigger: 'push' | 'rebuild', actor: string): Promise<string> {
  const caller = { ...tenant().caller, actor }
  const runId = await startBuild(server().context, caller, {
    project: tenant().project,
    branch: 'main',
    commit,
    trigger,
  })
  await tenant().scope((tx) =>
    tx.updateTable('runs').set({ status: 'running' }).where('id', '=', runId).execute(),
  )
  return runId
}

it.each([
  ['a poll', 'poll'],
  ['a hook that names nobody', 'git:unknown'],
])('%s: not its author, and the approval says so', async (_, actor) => {
  await policy('approvals: {production-deploy: {commitAuthorMayApprove: true}}\n')
  const request = { runId: await start('push', actor), requestedBy: actor, commitAuthor: 'rita@example.org' }
  const id = await waiting(request)
  const approval = await shown(id)
  expect(approval.notForYou).toMatch(/author of the commit .*who pushed is not known/)
  expect(approval.summary).toContain('who pushed is not known')
  expect(await refusal(approve('rita', id))).toBe('not-your-approval')
  expect(await refusal(approve('dora', id))).not.toBe('')
  await approve('rob', id)
  expect(await ask(request)).toMatchObject({
    kind: 'authorized',
    explanation: 'approved by rob; who pushed is not known',
  })
})

it('is so of a rebuild of that commit as well', async () => {
  await policy('approvals: {production-deploy: {commitAuthorMayApprove: true}}\n')
  await start('push', 'poll')
  const runId = await start('rebuild', 'member:dora')
  const id = await waiting({ runId, requestedBy: 'member:dora', commitAuthor: 'rita@example.org' })
  expect(await refusal(approve('rita', id))).toBe('not-your-approval')
  await approve('olga', id)
})

it('and not of one that a member, or a person at a forge, asked for', async () => {
  await policy('approvals: {production-deploy: {commitAuthorMayApprove: true}}\n')
  const runId = await start('push', 'github:somebody')
  const id = await waiting({ runId, requestedBy: 'github:somebody', commitAuthor: 'rita@example.org' })
  expect((await shown(id)).summary).not.toContain('not known')
  await approve('rita', id)
})
