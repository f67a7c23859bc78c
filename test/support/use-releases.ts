import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { Caller } from '../../server/governance/authorize.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { type Play, playRun } from './play-run.ts'
import { createOrganization, query, startTestDatabase, type TestDatabase } from './postgres.ts'
import { playBuild, releaseBranch } from './releases.ts'
import { arrangeTenant, type Tenant } from './tenant.ts'

const observation = {
  odooMs: '9000',
  schema: [{ kind: 'column', change: 'added', table: 'res_partner', name: 'points', detail: 'integer' }],
  versions: [
    { module: 'shop', before: '19.0.1.0.0', after: '19.0.1.1.0', scripts: ['migrations/19.0.1.1.0/post.py'] },
  ],
  issues: [{ fingerprint: 'f1', level: 'ERROR', logger: 'odoo.shop', sample: 'it hurts', count: 2 }],
}
/** What an update answers that adds a column and runs a script, and one that changes nothing but code. */
export const updated = { applyModules: { durationMs: '9500', observation } }
export const quiet = { applyModules: { durationMs: '9500', observation: { odooMs: '9000' } } }
/** What trying a candidate takes. */
const restarted = {
  startRuntime: { durationMs: '2000' },
  smoke: { checks: [{ name: 'health', passed: true, durationMs: '300' }] },
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', copyMs: '100', bytes: '5' },
}
/** What is released: the staging branch's build. */
export const ref = { project: 'shop', branch: releaseBranch }
/** Of the image of that content. */
export const digestOf = (content: string) =>
  `sha256:${createHash('sha256').update(`image of ${content}`).digest('hex')}`

/**
 * Releases in the real engine on a real database; the agent's part is played. Each test of the file has a project of its
 * own, whose production runs `one` and whose staging serves `two`; or the file has one, and `arrange` makes another.
 */
export function useReleases({ shared = false } = {}) {
  let database: TestDatabase
  let current: Tenant
  let projects = 0

  beforeAll(async () => {
    database = await startTestDatabase()
  }, 60_000)
  afterAll(() => database?.close())
  if (shared) beforeAll(arrange)
  else beforeEach(arrange)

  /** What follows is about a project that nothing has happened to. */
  async function arrange(): Promise<void> {
    const organizationId = await createOrganization(database, `acme-${++projects}`)
    current = await arrangeTenant(database.context, organizationId, 'shop')
    await playBuild(database.context, current, 'main', 'one')
    await playBuild(database.context, current, releaseBranch, 'two', { answers: updated })
  }

  const tenant = () => current
  const context = () => database.context
  const asOwner = (text: string, values: unknown[]) => query(database.ownerUrl, text, values)
  const play = (runId: string, how: Play = {}) =>
    playRun(context(), tenant(), runId, {
      lines: 0,
      ...how,
      answers: { ...quiet, ...restarted, ...how.answers },
    })
  const plan = () => planRelease(context(), tenant().caller, ref)
  const runOf = (id: string) =>
    tenant().scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
  const stepsOf = (id: string) =>
    tenant().scope((tx) =>
      tx
        .selectFrom('steps')
        .select(['name', 'status', 'summary'])
        .where('run_id', '=', id)
        .orderBy('position')
        .execute(),
    )
  const tasksOf = async (id: string) =>
    (
      await tenant().scope((tx) =>
        tx.selectFrom('tasks').selectAll().where('run_id', '=', id).orderBy('created_at').execute(),
      )
    ).map((task) => ({
      ...task,
      name: task.key
        .split(':')
        .slice(0, task.key.startsWith('try') ? 2 : 1)
        .join(':'),
    }))
  const served = async (branch: 'main' | typeof releaseBranch = 'main') =>
    (
      await tenant().scope((tx) =>
        tx
          .selectFrom('environments')
          .innerJoin('branches', 'branches.id', 'environments.branch_id')
          .select('deployment')
          .where('branches.name', '=', branch)
          .executeTakeFirstOrThrow(),
      )
    ).deployment as { digest: string; runId: string; buildNumber: number }
  const policy = (yaml: string) =>
    setPolicy(context(), tenant().caller, { project: 'shop', yaml, expectedVersion: 0 })

  async function rehearsed(how: Play = {}): Promise<string> {
    const runId = await startRehearsal(context(), tenant().caller, ref)
    await play(runId, how)
    return runId
  }

  async function member(name: string, role: 'release-manager' | 'developer'): Promise<Caller> {
    const { id } = await tenant().scope((tx) =>
      tx
        .insertInto('members')
        .values({ organization_id: tenant().organizationId, name, role })
        .returning('id')
        .executeTakeFirstOrThrow(),
    )
    const access = { ...tenant().caller.access, role, memberId: id }
    return { ...tenant().caller, actor: `member:${name}`, access }
  }

  const approvalOf = (id = '') =>
    tenant().scope((tx) =>
      tx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    )

  /** Production runs `two`, released from staging. */
  async function promoted(how: Play = { answers: updated }): Promise<string> {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, how)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    return runId
  }

  return {
    arrange,
    tenant,
    context,
    ownerUrl: () => database.ownerUrl,
    asOwner,
    play,
    plan,
    runOf,
    stepsOf,
    tasksOf,
    served,
    policy,
    rehearsed,
    member,
    approvalOf,
    promoted,
  }
}
