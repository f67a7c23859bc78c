import { beforeEach, expect, test } from 'vitest'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { claimTasks } from '../../server/fleet/claim.ts'
import { defaultTimes } from '../../server/fleet/limits.ts'
import { type Environment, useEngine } from '../support/use-engine.ts'

// Which of a host's tasks it is given first.

const engine = useEngine()
const { asOwner, context, createEnvironment, createRun, insert } = engine
let minute = 0

beforeEach(async () => {
  await asOwner(`update tasks set status = 'succeeded' where status in ('queued', 'leased')`)
})

async function queue(at: Environment, count: number, more: { stage?: string; always?: boolean } = {}) {
  const run_id = await createRun(at, { status: 'running', stage: more.stage ?? 'development' })
  const common = { organization_id: engine.organizationId(), run_id }
  const step_id = await insert('steps', { ...common, name: 'database', position: 0 })
  for (let index = 0; index < count; index++) {
    await insert('tasks', {
      ...common,
      step_id,
      host_id: engine.hostId(),
      key: `task-${index}`,
      kind: 'smoke',
      spec: '{}',
      timeout_ms: 1_000,
      always: more.always ?? false,
      // One after the other, whatever the clock says.
      created_at: new Date(Date.UTC(2026, 0, 1, 0, minute++)),
    })
  }
  return run_id
}
const claim = async () => {
  const op = operation(engine.organizationId(), 'fleet')
  const peer = { hostId: engine.hostId(), serial: '' }
  return await withTenant(context().db, op, (tx) => claimTasks(tx, peer, defaultTimes))
}
const countOf = (tasks: readonly { run_id: string }[], runId: string) =>
  tasks.filter(({ run_id }) => run_id === runId).length

test('production’s way back goes before builds, and has room when they fill the host', async () => {
  const [builds, back] = [await createEnvironment(), await createEnvironment(undefined, 'main', 'production')]
  await queue(builds, 20)
  expect(await claim()).toHaveLength(16)
  const restore = await queue(back, 1, { stage: 'production', always: true })
  const claimed = await claim()
  expect(claimed).toHaveLength(1)
  expect(countOf(claimed, restore)).toBe(1)
  // Also where both wait.
  await asOwner(`update tasks set status = 'succeeded' where status = 'leased'`)
  const later = await queue(back, 1, { stage: 'production', always: true })
  await queue(builds, 20)
  expect(countOf(await claim(), later)).toBe(1)
})

test('what a run asks for that holds production never waits for builds, though it needs no leave', async () => {
  const [builds, held] = [await createEnvironment(), await createEnvironment(undefined, 'main', 'production')]
  await queue(builds, 20)
  expect(await claim()).toHaveLength(16)
  const release = await queue(held, 1, { stage: 'production' })
  expect(await claim()).toEqual([])
  await insert('cells', {
    organization_id: engine.organizationId(),
    project_id: held.projectId,
    environment_id: held.environmentId,
    host_id: engine.hostId(),
    stage: 'production',
    held_by: release,
  })
  expect(countOf(await claim(), release)).toBe(1)
})

test('a project with many tasks leaves room to one with few', async () => {
  const [busy, calm] = [await createEnvironment(), await createEnvironment()]
  const many = await queue(busy, 30)
  const few = await queue(calm, 3)
  const claimed = await claim()
  expect([countOf(claimed, many), countOf(claimed, few)]).toEqual([13, 3])
  await asOwner(`update tasks set status = 'succeeded' where id = any ($1)`, [
    claimed.slice(0, 2).map(({ id }) => id),
  ])
  const next = await queue(calm, 1)
  expect(countOf(await claim(), next)).toBe(1)
})

test('a server that is older than the database claims nothing', async () => {
  await queue(await createEnvironment(), 1)
  await asOwner(`insert into schema_migrations (name, sha256) values ('9999-later.sql', '')`)
  try {
    expect(await claim()).toEqual([])
  } finally {
    await asOwner(`delete from schema_migrations where name = '9999-later.sql'`)
  }
  expect(await claim()).toHaveLength(1)
})
