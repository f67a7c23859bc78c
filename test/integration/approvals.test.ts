import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { expireApprovals } from '../../server/governance/approvals/expiry.ts'
import { protect, type Verdict } from '../../server/governance/protect.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { useApprovals } from '../support/use-approvals.ts'

const { server, tenant, tokens, api, ask, policy, build, waiting, shown, approve, refusal, audited } =
  useApprovals()

describe('what the policy says', () => {
  it('asks for one approval by default, and lets it be used once', async () => {
    const request = await build()
    const id = await waiting(request)
    expect(await ask(request)).toMatchObject({ kind: 'waiting', approvalId: id })
    await approve('rita', id)
    expect(await shown(id)).toMatchObject({ status: 'approved', quorum: 1 })
    const verdict = await ask(request)
    expect(verdict).toMatchObject({ kind: 'authorized', basis: 'approval', explanation: 'approved by rita' })
    // The same run gets the same leave, not another one.
    expect(await ask(request)).toMatchObject({
      kind: 'authorized',
      authorizationId: (verdict as { authorizationId: string }).authorizationId,
    })
    expect((await shown(id)).usedAt).toBeDefined()
    expect(await audited(id)).toEqual(['approval.request', 'approval.approve'])
  })

  it('asks for none where it says so', async () => {
    await policy('approvals: {production-deploy: none}\n')
    expect(await ask(await build())).toMatchObject({ kind: 'authorized', basis: 'policy' })
  })

  it('lets nobody where it forbids, and voids what was open', async () => {
    const request = await build()
    const id = await waiting(request)
    await policy('approvals: {production-deploy: forbidden}\n')
    expect(await refusal(approve('rita', id))).toBe('action-forbidden')
    expect(await refusal(api('ana').breakGlass({ approvalId: id, reason: 'the shop is down' }))).toBe(
      'action-forbidden',
    )
    expect(await ask(request)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/forbids/) })
    expect(await shown(id)).toMatchObject({ status: 'void' })
  })

  it('is the one in force when the approval is used', async () => {
    const request = await build()
    const id = await waiting(request)
    await approve('rita', id)
    await policy('approvals: {production-deploy: {quorum: 2}}\n')
    expect(await ask(request)).toMatchObject({
      kind: 'waiting',
      reason: expect.stringMatching(/1 of 2 given/),
    })
    expect(await shown(id)).toMatchObject({ status: 'open', quorum: 2 })
    await approve('olga', id)
    expect(await ask(request)).toMatchObject({ kind: 'authorized', explanation: 'approved by olga, rita' })
  })

  it('counts no role that it does not name', async () => {
    await policy('approvals: {production-deploy: {roles: [owner]}}\n')
    const request = await build()
    const id = await waiting(request)
    expect((await shown(id)).notForYou).toMatch(/the policy asks for owner/)
    expect(await refusal(approve('rita', id))).toBe('not-your-approval')
    await approve('olga', id)
    expect(await ask(request)).toMatchObject({ kind: 'authorized' })
  })
})

describe('four eyes', () => {
  it.each([
    ['the member who asked', { requestedBy: 'member:rita' }, 'rita'],
    ['whoever pushed, by name', { requestedBy: 'github:Rita' }, 'rita'],
    ['whoever pushed, by the login before the @', { requestedBy: 'github:Pia' }, 'pia'],
    ['the author of the commit', { requestedBy: 'github:somebody', commitAuthor: 'PIA@example.org' }, 'pia'],
    [
      'the author by GitHub’s private address',
      { requestedBy: 'github:somebody', commitAuthor: '123+pia@users.noreply.github.com' },
      'pia',
    ],
  ])('refuse %s', async (_, who, voter) => {
    const id = await waiting({ ...(await build()), ...who })
    expect((await shown(id, voter)).notForYou).not.toBe('')
    expect(await refusal(approve(voter, id))).toBe('not-your-approval')
    await approve('rob', id)
  })

  it('refuse the member whom the requester’s id names', async () => {
    const rita = await tenant().scope((tx) =>
      tx.selectFrom('members').select('id').where('name', '=', 'rita').executeTakeFirstOrThrow(),
    )
    const id = await waiting({ ...(await build()), requesterId: rita.id })
    expect(await refusal(approve('rita', id))).toBe('not-your-approval')
  })

  it('let the author where the policy does', async () => {
    await policy('approvals: {production-deploy: {commitAuthorMayApprove: true}}\n')
    const request = {
      ...(await build()),
      requestedBy: 'github:somebody',
      commitAuthor: 'pia@example.org',
    }
    await approve('pia', await waiting(request))
    expect(await ask(request)).toMatchObject({ kind: 'authorized' })
  })

  it('refuse whoever pushed the commit, when a workflow asked for the build', async () => {
    const commit = 'c'.repeat(40)
    const start = async (trigger: 'push' | 'manual', actor: string, requesterEmail = '') => {
      const caller = { ...tenant().caller, actor }
      const wanted = { project: tenant().project, branch: 'main', commit, trigger, requesterEmail }
      return await startBuild(server().context, caller, wanted)
    }
    await start('push', 'github:rita')
    await start('push', 'github:somebody', 'rob@example.org')
    const requestedBy = 'workflow:shop/odoo@refs/heads/main'
    const runId = await start('manual', requestedBy)
    await tenant().scope((tx) =>
      tx.updateTable('runs').set({ status: 'running' }).where('id', '=', runId).execute(),
    )
    const id = await waiting({ runId, requestedBy })
    for (const pusher of ['rita', 'rob']) {
      expect(await refusal(approve(pusher, id))).toBe('not-your-approval')
    }
    await approve('olga', id)
  })

  it('say what to do where nobody is left', async () => {
    await policy('approvals: {production-deploy: {roles: [owner], quorum: 9}}\n')
    expect(await ask({ ...(await build()), requestedBy: 'member:olga' })).toMatchObject({
      kind: 'waiting',
      reason: expect.stringMatching(
        /9 of them, which only \d may give: add somebody.*break-glass.*policy set/,
      ),
    })
  })

  it('keep developers out', async () => {
    const id = await waiting(await build())
    const error = await approve('dora', id).catch((thrown: unknown) => ConnectError.from(thrown))
    expect(error).toMatchObject({ code: Code.PermissionDenied })
  })
})

describe('quorum', () => {
  it('counts different people, each once', async () => {
    await policy('approvals: {production-deploy: {quorum: 2}}\n')
    const request = await build()
    const id = await waiting(request)
    await approve('rita', id)
    expect(await refusal(approve('rita', id))).toBe('voted-already')
    expect(await ask(request)).toMatchObject({ kind: 'waiting' })
    await approve('rob', id)
    expect(await ask(request)).toMatchObject({ kind: 'authorized' })
  })

  it('counts those who hold the role when it is used', async () => {
    const request = await build()
    const id = await waiting(request)
    tokens.tom = await server().createMember(tenant().organizationId, `tom-${id}`, 'release-manager')
    await approve('tom', id)
    const setRole = (role: 'developer' | 'release-manager') =>
      tenant().scope((tx) =>
        tx.updateTable('members').set({ role }).where('name', '=', `tom-${id}`).execute(),
      )
    await setRole('developer')
    expect(await ask(request)).toMatchObject({ kind: 'waiting' })
    expect(await shown(id)).toMatchObject({ status: 'open' })
    await setRole('release-manager')
    await tenant().scope((tx) =>
      tx.updateTable('members').set({ removed_at: new Date() }).where('name', '=', `tom-${id}`).execute(),
    )
    expect(await ask(request)).toMatchObject({ kind: 'waiting' })
  })
})

it('is used once, by however many servers it is looked at', async () => {
  const request = { requestedBy: 'member:dora', action: 'secret-read' } as const
  const id = await waiting(request)
  await approve('rita', id)
  const verdicts = await Promise.all(Array.from({ length: 10 }, () => ask(request)))
  const kinds = verdicts.map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'authorized')).toHaveLength(1)
  // The others asked anew, together for one more.
  const others = verdicts.flatMap((verdict) => (verdict.kind === 'waiting' ? [verdict.approvalId] : []))
  expect(others).toHaveLength(9)
  expect(new Set(others).size).toBe(1)
  expect(others[0]).not.toBe(id)
})

it('is one’s own: nobody uses what another asked for', async () => {
  const id = await waiting({ requestedBy: 'member:dora', action: 'secret-read' })
  await approve('rita', id)
  expect(await ask({ requestedBy: 'member:rob', action: 'secret-read' })).toMatchObject({ kind: 'waiting' })
})

it('is taken back with the transaction that was to use it', async () => {
  const request = await build()
  const id = await waiting(request)
  await approve('rita', id)
  const op = operation(tenant().organizationId, 'scheduler')
  const failing = withTenant(server().context.db, op, async (tx): Promise<Verdict> => {
    await protect(tx, op, {
      action: 'production-deploy',
      projectId: tenant().projectId,
      subject: { commit: 'abc' },
      summary: 'Deploy abc',
      requestedBy: 'github:pia',
      ...request,
    })
    throw new Error('the action failed to start')
  })
  await expect(failing).rejects.toThrow('failed to start')
  expect(await shown(id)).toMatchObject({ status: 'approved' })
  expect(await ask(request)).toMatchObject({ kind: 'authorized' })
})

describe('what it is bound to', () => {
  it('is void as soon as anything of it changes', async () => {
    const request = await build()
    const id = await waiting(request)
    await approve('rita', id)
    const changed = await waiting({ ...request, subject: { commit: 'def' } })
    expect(changed).not.toBe(id)
    expect(await shown(id)).toMatchObject({ status: 'void', reason: expect.stringMatching(/has changed/) })
    expect(await refusal(approve('rob', id))).toBe('approval-ended')
    // And back: what was void stays so.
    expect(await waiting(request)).not.toBe(id)
  })

  it('is what the approver saw', async () => {
    const approvalId = await waiting(await build())
    const blind = api('rita').approve({ approvalId, subjectSha256: '0'.repeat(64) })
    const error = await blind.catch((thrown: unknown) => ConnectError.from(thrown))
    expect(error).toMatchObject({ code: Code.Aborted })
    expect(await shown(approvalId)).toMatchObject({ status: 'open', votes: [] })
  })

  it('is the same whatever order its keys have', async () => {
    const request = await build()
    const id = await waiting({ ...request, subject: { a: 1, b: { c: 2, d: 3 } } })
    expect(await waiting({ ...request, subject: { b: { d: 3, c: 2 }, a: 1 } })).toBe(id)
    expect((await shown(id)).subject).toBe('{"a":1,"b":{"c":2,"d":3}}')
  })

  it('ends with a build that is cancelled', async () => {
    const request = await build()
    const id = await waiting(request)
    await tenant().scope((tx) =>
      tx
        .updateTable('runs')
        .set({ cancel_cause: 'user' })
        .where('id', '=', request.runId ?? '')
        .execute(),
    )
    expect(await refusal(approve('rita', id))).toBe('approval-ended')
  })

  it('is found by the beginning of its id', async () => {
    const id = await waiting(await build())
    expect(await shown(id.slice(0, 8))).toMatchObject({ id })
    expect(await refusal(api('rita').getApproval({ approvalId: '%' }))).toBe('approval-not-found')
  })
})

it('is rejected by one, for good', async () => {
  const request = await build()
  const id = await waiting(request)
  await api('rob').reject({ approvalId: id, note: 'not before the audit' })
  expect(await ask(request)).toMatchObject({
    kind: 'refused',
    reason: 'rejected by member:rob: not before the audit',
  })
  expect(await refusal(approve('rita', id))).toBe('approval-ended')
  expect(await audited(id)).toEqual(['approval.request', 'approval.reject'])
})

it('expires, whether or not anybody marks it', async () => {
  const [request, other] = [await build(), { action: 'restore' as const }]
  const [id, second] = [await waiting(request), await waiting(other)]
  await approve('rita', id)
  const past = { expires_at: new Date(Date.now() - 1_000) }
  await tenant().scope((tx) =>
    tx.updateTable('approvals').set(past).where('id', 'in', [id, second]).execute(),
  )
  expect(await refusal(approve('rob', id))).toBe('approval-ended')
  await expireApprovals(server().context)
  expect(await shown(id)).toMatchObject({
    status: 'expired',
    reason: expect.stringMatching(/before it was used/),
  })
  expect(await shown(second)).toMatchObject({ status: 'expired' })
  expect(await audited(id)).toContain('approval.expire')
  expect(await ask(request)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/expired at/) })
  expect(await waiting(other)).not.toBe(second)
})

describe('a freeze', () => {
  const always = 'freeze: {windows: [{name: year end, days: [mon, tue, wed, thu, fri, sat, sun]}]}\n'

  it('keeps what is approved waiting, and says until when', async () => {
    await policy(always)
    const request = await build()
    const id = await waiting(request)
    await approve('rita', id)
    const verdict = await ask(request)
    expect(verdict).toMatchObject({
      kind: 'waiting',
      reason: expect.stringMatching(/the end of the freeze "year end"/),
    })
    expect((verdict as { until?: Date }).until?.getTime()).toBeGreaterThan(Date.now())
    expect(await shown(id)).toMatchObject({ status: 'approved', frozenUntil: { seconds: expect.anything() } })
    await policy('# over\n')
    expect(await ask(request)).toMatchObject({ kind: 'authorized', basis: 'approval' })
  })

  it('keeps what needs no approval waiting as well', async () => {
    await policy(`approvals: {production-deploy: none}\n${always}`)
    const request = await build()
    const id = await waiting(request)
    expect(await refusal(approve('rita', id))).toBe('no-approval-needed')
    await policy('approvals: {production-deploy: none}\n')
    expect(await ask(request)).toMatchObject({ kind: 'authorized', basis: 'policy' })
  })

  it('is passed through the broken glass', async () => {
    await policy(always)
    const request = await build()
    const id = await waiting(request)
    await api('ana').breakGlass({ approvalId: id, reason: 'checkout is down' })
    expect(await ask(request)).toMatchObject({
      kind: 'authorized',
      basis: 'break-glass',
      explanation: 'member:ana broke the glass: checkout is down',
    })
  })
})

describe('breaking the glass', () => {
  const broken = async () => {
    const request = { ...(await build()), requestedBy: 'member:ana' }
    const approvalId = await waiting(request)
    await api('ana').breakGlass({ approvalId, reason: 'checkout is down' })
    return { request, approvalId }
  }

  it('opens a review that stays until somebody else closes it', async () => {
    const { request, approvalId } = await broken()
    expect(await ask(request)).toMatchObject({ kind: 'authorized', basis: 'break-glass' })
    const listed = async () =>
      (await api('ana').listApprovals({ project: tenant().project })).approvals.map(({ id }) => id)
    expect(await listed()).toEqual([approvalId])
    expect(await refusal(api('ana').closeReview({ approvalId, note: 'all was well' }))).toBe(
      'not-your-review',
    )
    expect(await refusal(api('rita').closeReview({ approvalId, note: ' ' }))).toBe('invalid-note')
    await api('rita').closeReview({ approvalId, note: 'justified' })
    expect(await refusal(api('rob').closeReview({ approvalId, note: 'as well' }))).toBe('review-closed')
    expect(await listed()).toEqual([])
    expect(await shown(approvalId)).toMatchObject({
      status: 'used',
      review: { by: 'member:ana', reason: 'checkout is down', closedBy: 'member:rita', note: 'justified' },
    })
    expect(await audited(approvalId)).toEqual([
      'approval.request',
      'approval.break-glass',
      'approval.close-review',
    ])
  })

  it('needs a reason, the role, and leave of the policy', async () => {
    const approvalId = await waiting(await build())
    expect(await refusal(api('ana').breakGlass({ approvalId, reason: 'because' }))).toBe('invalid-reason')
    const reason = 'checkout is down'
    expect(await refusal(api('rita').breakGlass({ approvalId, reason }))).toBe('break-glass-forbidden')
    await policy('breakGlass: {roles: [release-manager]}\n')
    expect(await refusal(api('ana').breakGlass({ approvalId, reason }))).toBe('break-glass-forbidden')
    await policy('breakGlass: {allowed: false}\n')
    expect(await refusal(api('ana').breakGlass({ approvalId, reason }))).toBe('break-glass-forbidden')
  })

  it('counts only as long as the policy lets it', async () => {
    const { request } = await broken()
    await policy('breakGlass: {allowed: false}\n')
    expect(await ask(request)).toMatchObject({ kind: 'waiting' })
  })
})
