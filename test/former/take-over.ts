import { expect } from 'vitest'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { playRun } from '../support/play-run.ts'
import { query, type TestDatabase } from '../support/postgres.ts'
import type { Tenant } from '../support/tenant.ts'
import { digestOf } from '../support/use-releases.ts'
import type { Case } from './recording.ts'

/** What production serves in the end. */
const serves: Readonly<Record<string, string>> = {
  'a build of production': 'four',
  'a promotion': 'two',
  'a promotion whose update fails': 'one',
  'a promotion whose route fails': 'one',
  'a rollback with data': 'zero',
  'a rollback that leaves the data': 'zero',
  'a rehearsal': 'one',
}

/**
 * Plays a run of the former server on, by this version: it ends as it would have ended there, nothing is done twice, and
 * nothing is left of it.
 */
export async function expectTakenOver(database: TestDatabase, run: Case): Promise<void> {
  const rowsOf = <Row>(text: string) => query<Row>(database.ownerUrl, text, [run.runId])
  const tasksOf = () =>
    rowsOf<{ id: string; key: string; spec: unknown }>(
      'select id, key, spec from tasks where run_id = $1 order by created_at',
    )
  const effectsOf = () => rowsOf<object>('select key, value from effects where run_id = $1')
  const tasks = await tasksOf()
  const effects = await effectsOf()
  await playRun(database.context, tenantOf(database, run), run.runId, run.play)
  const [ended] = await rowsOf<Case['ends']>('select status, reason from runs where id = $1')
  expect(ended).toMatchObject({ status: run.ends.status, reason: expect.stringContaining(run.ends.reason) })
  const all = await tasksOf()
  expect(all.slice(0, tasks.length)).toEqual(tasks)
  const keys = all.map(({ key }) => key)
  expect(keys, 'tasks').toEqual([...new Set(keys)])
  expect(await effectsOf()).toEqual(expect.arrayContaining(effects))

  const cells = await rowsOf(
    `select c.id from cells c join runs r on r.project_id = c.project_id where r.id = $1
     and (c.held_by is not null or c.dirty_since is not null or c.status in ('making', 'retired'))`,
  )
  expect(cells, 'cells that are held, between two states, or half there').toEqual([])
  const content = serves[run.way]
  if (content === undefined) return
  const [production] = await rowsOf<object>(
    `select e.status, e.deployment->>'digest' as digest from environments e
     join runs r on r.project_id = e.project_id where r.id = $1 and e.stage = 'production'`,
  )
  expect(production).toEqual({ status: 'running', digest: digestOf(content) })
}

function tenantOf({ context }: TestDatabase, { tenant }: Case): Tenant {
  const scope: Tenant['scope'] = (fn) => withTenant(context.db, operation(tenant.organizationId, 'test'), fn)
  const caller: Caller = {
    ...operation(tenant.organizationId, 'member:ana'),
    access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
  return { ...tenant, caller, scope }
}
