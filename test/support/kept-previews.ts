import { EnvironmentStatus } from '../../proto/gen/fairway/v1/environments_pb.js'
import { listEnvironments } from '../../server/services/environments/environment-views.ts'
import type { Play } from './play-run.ts'
import { playBuild } from './releases.ts'
import type { ArrangedBuild } from './tenant.ts'
import type { useReleases } from './use-releases.ts'

type Releases = ReturnType<typeof useReleases>

export const testsFail = {
  status: 'failed',
  reason: 'tests-failed',
  error: '1 failed and 0 broken of 2 tests: shop: TestTotal.test_round',
} as const

export const keepsPreviews = 'keepFailedPreviews: 24h\n'

/** Builds whose tests fail, and what becomes of them. */
export function keptPreviews({ context, tenant, asOwner, tasksOf }: Releases) {
  let before = { runs: new Set<string>(), audited: 0 }

  /** Nothing that earlier tests of the file kept is open or under way, and what is listed here begins now. */
  async function forget(): Promise<void> {
    const { organizationId } = tenant()
    await asOwner(
      `update environments set status = 'destroyed', destroyed_at = now(), cell_id = null, deployment = null
       where purpose <> 'branch' and organization_id = $1`,
      [organizationId],
    )
    await asOwner(
      `update runs set status = 'cancelled', finished_at = now(), advance_at = null
       where status in ('queued', 'running') and organization_id = $1`,
      [organizationId],
    )
    const runs = await asOwner('select id from runs where organization_id = $1', [organizationId])
    const [last] = await asOwner('select coalesce(max(id), 0)::int as id from audit_events', [])
    before = { runs: new Set(runs.map(({ id }) => id as string)), audited: last?.id as number }
  }
  /** Of an update in staging, of an installation in development. */
  const failing = (branch: string, content: string, how: Play = {}): Promise<ArrangedBuild> =>
    playBuild(context(), tenant(), branch, content, {
      ...how,
      failures: { 'apply:install': testsFail, 'apply:update': testsFail, ...how.failures },
    })

  const environments = () =>
    listEnvironments(context(), tenant().caller, { project: 'shop', includeDestroyed: true } as never)

  /** The one that is there, of those that had the name. */
  async function findEnvironment(name: string) {
    const named = (await environments()).filter((environment) => environment.name === name)
    return named.find(({ status }) => status !== EnvironmentStatus.DESTROYED) ?? named[0]
  }

  /** What the agent was asked for since Odoo ran the tests: keys without ids. */
  async function askedAfterTests(runId: string): Promise<string[]> {
    const names = (await tasksOf(runId)).map(({ name }) => name)
    return names.slice(names.lastIndexOf('apply') + 1)
  }

  async function specOf<T>(runId: string, name: string): Promise<T> {
    const task = (await tasksOf(runId)).find((other) => other.name === name)
    return Object.values((task?.spec ?? {}) as Record<string, T>)[0] as T
  }

  const expire = (name: string) =>
    asOwner(
      `update environments set expires_at = now() - interval '1 minute' where name = $1 and organization_id = $2`,
      [name, tenant().organizationId],
    )

  const destructions = async () =>
    (
      await tenant().scope((tx) =>
        tx
          .selectFrom('runs')
          .innerJoin('environments', 'environments.id', 'runs.environment_id')
          .select(['runs.id', 'runs.trigger', 'runs.status', 'environments.name'])
          .where('runs.kind', '=', 'destroy')
          .orderBy('runs.created_at')
          .execute(),
      )
    ).filter(({ id }) => !before.runs.has(id))

  const audited = async (action: string) =>
    (
      await tenant().scope((tx) =>
        tx
          .selectFrom('audit_events')
          .select('details')
          .where('action', '=', action)
          .where('id', '>', before.audited)
          .orderBy('id')
          .execute(),
      )
    ).map(({ details }) => details as Record<string, unknown>)

  return { forget, failing, findEnvironment, askedAfterTests, specOf, expire, destructions, audited }
}
