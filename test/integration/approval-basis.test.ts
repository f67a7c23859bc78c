import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Approval } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { getApproval, listApprovals } from '../../server/services/governance/approval-views.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { ref, updated, useReleases } from '../support/use-releases.ts'

// What those who approve are shown: what is on record, and where nobody knows something, that and why.

const { tenant, context, play, policy, promoted, runOf } = useReleases()

const commitOf = (content: string) => (contentOf(content).resolve as { commit: string }).commit
const line = (id: string, subject: string) => ({ id, author: 'Ana <ana@example.org>', subject })

/** A build of staging whose agent compared it with what production served. */
const compared = (since: string, more: object = {}) =>
  playBuild(context(), tenant(), releaseBranch, 'two', {
    answers: {
      ...updated,
      resolve: {
        ...(contentOf('two').resolve as object),
        sinceServed: { since, added: [line(commitOf('two'), 'Cards')], addedCount: 1, ...more },
      },
    },
  })

async function asked(runId: string): Promise<Approval> {
  const filter = { project: 'shop', all: true, limit: 20 }
  const found = (await listApprovals(context(), tenant().caller, filter)).find(
    (approval) => approval.runId === runId,
  )
  expect(found?.basis).toBeUndefined()
  return await getApproval(context(), tenant().caller, found?.id ?? '')
}

async function promotion(): Promise<Approval> {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { untilApproval: true })
  return await asked(runId)
}

describe('a promotion shows', () => {
  it('the commits as the agent found them, the plan of the hash, and the rule', async () => {
    const build = await compared(commitOf('one'), {
      removed: [line('f'.repeat(40), 'Till')],
      removedCount: 1,
    })
    const approval = await promotion()
    expect(approval.basis?.commits).toMatchObject({
      since: commitOf('one'),
      added: [{ id: commitOf('two'), subject: 'Cards' }],
      addedCount: 1,
      removed: [{ subject: 'Till' }],
      removedCount: 1,
      unknown: '',
      buildNumber: build.number,
    })
    const sha256 = createHash('sha256')
      .update(approval.basis?.plan ?? '')
      .digest('hex')
    expect(JSON.parse(approval.subject)).toMatchObject({ plan: sha256 })
    expect(approval.rule).toMatchObject({
      key: 'approvals.production-deploy',
      kind: 'rule',
      quorum: 1,
      roles: ['owner', 'release-manager'],
      policyVersion: 0,
    })
    const resolve = await tenant().scope((tx) =>
      tx
        .selectFrom('tasks')
        .select('spec')
        .where('run_id', '=', build.runId)
        .where('key', '=', 'resolve')
        .executeTakeFirstOrThrow(),
    )
    expect(JSON.stringify(resolve.spec)).toContain(`"servedCommit":"${commitOf('one')}"`)
    expect((await runOf(build.runId)).record).toMatchObject({ commits: { since: commitOf('one') } })
  })

  it.each([
    ['of before', undefined, /the agent of build 2 did not compare it/],
    ['of another production', 'c'.repeat(40), /when build 3 was resolved, production served cccccccccc/],
  ])('that the commits are not known, by a build %s', async (_, since, unknown) => {
    if (since) await compared(since)
    const { basis } = await promotion()
    expect(basis?.commits).toMatchObject({ since: commitOf('one'), added: [], addedCount: 0 })
    expect(basis?.commits?.unknown).toMatch(unknown)
  })

  it('why the agent could not compare them', async () => {
    await compared(commitOf('one'), { added: [], addedCount: 0, unknown: 'the commit is gone' })
    expect((await promotion()).basis?.commits?.unknown).toBe('the commit is gone')
  })

  it('what an earlier build of the commit knows, where a later one could not tell', async () => {
    await compared(commitOf('one'))
    await compared(commitOf('one'), { added: [], addedCount: 0, unknown: 'the git server is away' })
    expect((await promotion()).basis?.commits).toMatchObject({ addedCount: 1, unknown: '', buildNumber: 3 })
  })

  it('the freeze by its name', async () => {
    await policy(
      'freeze: { windows: [{ name: year end, from: 01-01, to: 12-31, actions: [production-deploy] }] }\n',
    )
    expect(await promotion()).toMatchObject({ freezeWindow: 'year end', rule: { policyVersion: 1 } })
  })
})

describe('a rollback shows', () => {
  const wanted = { project: 'shop', toBuild: 0, withData: true, force: false, planSha256: '' }

  async function back(): Promise<Approval> {
    const { runId } = await startRollback(context(), tenant().caller, wanted)
    await play(runId, { untilApproval: true })
    return await asked(runId)
  }

  it('what would be lost as it was counted, and the commits that it takes back', async () => {
    await compared(commitOf('one'))
    await promoted()
    const count = await countRollbackLoss(context(), tenant().caller, { project: 'shop', toBuild: 0 })
    await play(count, {
      answers: {
        inspectCell: {
          changedRows: '7',
          changes: [{ table: 'sale_order', rows: '7' }],
          uncountedTables: ['x'],
        },
      },
    })
    const { basis } = await back()
    expect(basis?.loss).toMatchObject({ rows: 7n, tables: [{ table: 'sale_order', rows: 7n }] })
    expect(basis?.loss?.countedAt).toBeDefined()
    expect(basis?.commits).toMatchObject({
      since: commitOf('two'),
      added: [],
      removed: [{ subject: 'Cards' }],
      removedCount: 1,
    })
  })

  it('that nobody has counted, or compared', async () => {
    await promoted()
    const { basis } = await back()
    expect(basis?.loss).toMatchObject({ rows: 0n })
    expect(basis?.loss?.since).toBeDefined()
    expect(basis?.loss?.countedAt).toBeUndefined()
    expect(basis?.commits?.unknown).toMatch(/no agent has compared/)
  })
})
