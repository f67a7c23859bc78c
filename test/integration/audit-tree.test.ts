import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from '../../server/db/audit.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { createBacklog } from '../../server/evidence/audit/backlog.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { publishCheckpoint } from '../../server/evidence/audit/publish.ts'
import { startSequencer } from '../../server/evidence/audit/sequencer.ts'
import { readFrontier } from '../../server/evidence/audit/stored-tree.ts'
import { appendLeaves, emptyFrontier, rootOf } from '../../server/evidence/tree/nodes.ts'
import { createOrganization, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

let database: TestDatabase
let organizations = 0

beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

async function arrange() {
  const organizationId = await createOrganization(database, `org-${++organizations}`)
  const op = operation(organizationId, 'test')
  const write = (count: number) =>
    withTenant(database.databases, op, async (tx) => {
      for (let n = 0; n < count; n++) await audit(tx, op, 'test.note', { kind: 'test', id: `${n}` }, { n })
    })
  const leaves = async () =>
    await query<{ index: number; event_id: number; leaf_hash: Buffer }>(
      database.ownerUrl,
      'select index, event_id, leaf_hash from audit_leaves where organization_id = $1 order by index',
      [organizationId],
    )
  return { organizationId, op, write, leaves }
}

test.each([1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 511, 512, 513])('%i events make their tree', async (count) => {
  const { organizationId, op, write, leaves } = await arrange()
  await write(count)
  const checkpoint = await makeCheckpoint(database.context, organizationId)
  const placed = await leaves()
  expect(placed.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index))
  expect(placed.map(({ event_id }) => event_id)).toEqual(
    placed.map(({ event_id }) => event_id).sort((a, b) => a - b),
  )
  const { frontier } = appendLeaves(
    emptyFrontier,
    placed.map(({ leaf_hash }) => leaf_hash),
  )
  expect(checkpoint?.size).toBe(count)
  expect(checkpoint?.root.equals(rootOf(frontier))).toBe(true)
  const stored = await withTenant(database.databases, op, (tx) => readFrontier(tx, count))
  expect(rootOf(stored).equals(rootOf(frontier))).toBe(true)
  expect((await makeCheckpoint(database.context, organizationId))?.note).toBe(checkpoint?.note)
})

test('there is no checkpoint over nothing', async () => {
  const { organizationId } = await arrange()
  expect(await makeCheckpoint(database.context, organizationId)).toBeUndefined()
})

test('an event that commits late comes later, and is not forgotten', async () => {
  const { organizationId, write, leaves } = await arrange()
  const findBacklog = createBacklog(database.databases)
  const late = new pg.Client({ connectionString: database.ownerUrl })
  await late.connect()
  await late.query('begin')
  const { rows } = await late.query<{ id: number }>(
    `insert into audit_events (organization_id, actor, action, subject_kind, subject_id)
     values ($1, 'test', 'test.late', 'test', 'late') returning id`,
    [organizationId],
  )
  await write(3)
  await makeCheckpoint(database.context, organizationId)
  expect(await leaves()).toHaveLength(3)
  // However often it is asked meanwhile, the floor stays below what may still appear.
  const askedMs = performance.now()
  await waitFor('a mark that is old enough', async () => {
    await findBacklog()
    return performance.now() - askedMs > 2_500
  })
  await late.query('commit')
  await late.end()
  expect((await findBacklog()).organizationIds).toContain(organizationId)
  await makeCheckpoint(database.context, organizationId)
  const placed = await leaves()
  expect(placed).toHaveLength(4)
  expect(placed.at(-1)?.event_id).toBe(Number(rows[0]?.id))
})

test('the floor follows once everything below it is settled', async () => {
  const { organizationId, write } = await arrange()
  await write(5)
  const findBacklog = createBacklog(database.databases)
  expect((await findBacklog()).organizationIds).toContain(organizationId)
  await makeCheckpoint(database.context, organizationId)
  const last = await query<{ id: number }>(database.ownerUrl, 'select max(id) as id from audit_events')
  await waitFor('the floor to rise', async () => (await findBacklog()).above === Number(last[0]?.id))
})

test('several servers give each event one place, and keep their checkpoints in blob storage', async () => {
  const { organizationId, op, write, leaves } = await arrange()
  const sequencers = [startSequencer(database.context), startSequencer(database.context)]
  try {
    await Promise.all(Array.from({ length: 20 }, () => write(30)))
    await waitFor('every event to have its place', async () => (await leaves()).length === 600)
    const placed = await leaves()
    expect(new Set(placed.map(({ event_id }) => event_id)).size).toBe(600)
    expect(placed.at(-1)?.index).toBe(599)
  } finally {
    await Promise.all(sequencers.map((sequencer) => sequencer.stop()))
  }
  const made = await makeCheckpoint(database.context, organizationId)
  await publishCheckpoint(database.context, organizationId)
  const { checkpoints } = database.context.blobs
  expect((await checkpoints.findNewest(organizationId))?.note).toBe(made?.note)
  expect(await checkpoints.readLeaves(organizationId, 0, 1_000)).toEqual(
    (await leaves()).map(({ leaf_hash }) => leaf_hash),
  )
  const witnesses = await withTenant(database.databases, op, (tx) =>
    tx.selectFrom('audit_witnesses').select(['name', 'size', 'refusal']).execute(),
  )
  expect(witnesses).toEqual([{ name: 'blobs', size: 600, refusal: '' }])
})

test('nothing is written while nothing happens', async () => {
  const { write, leaves, organizationId } = await arrange()
  const sequencer = startSequencer(database.context)
  try {
    await write(2)
    // What is written last of a round: that the blobs have it.
    await waitFor('the checkpoint to be kept, and that to be written', async () => {
      const kept = await query<{ size: number }>(
        database.ownerUrl,
        `select size from audit_witnesses where organization_id = $1 and name = 'blobs' and size = 2`,
        [organizationId],
      )
      return kept.length === 1
    })
    const written = async () =>
      await query(
        database.ownerUrl,
        `select 'leaf' as what, xmin::text from audit_leaves union all select 'node', xmin::text from audit_nodes
         union all select 'checkpoint', xmin::text from audit_checkpoints
         union all select 'witness', xmin::text from audit_witnesses
         union all select 'event', xmin::text from audit_events order by 1, 2`,
      )
    const before = await written()
    const rounds = performance.now()
    await waitFor('some rounds', () => performance.now() - rounds > 2_500)
    expect(await written()).toEqual(before)
    expect(await leaves()).toHaveLength(2)
  } finally {
    await sequencer.stop()
  }
})
