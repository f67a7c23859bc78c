import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cell } from '../../agent/storage/records.ts'
import { checkRoomTask } from '../../agent/tasks/check-room.ts'
import { CheckRoomTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask } from '../support/task-context.ts'

let rig: StorageRig
let cell: Cell
beforeAll(async () => {
  rig = await createRig('reflink')
  cell = await rig.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'production',
      postgresImage: POSTGRES_IMAGE,
      limits: LIMITS,
    },
    rig.step,
  )
}, 60_000)
afterAll(() => rig?.remove(), 60_000)

async function check() {
  const task = createTask()
  const input = create(CheckRoomTaskSchema, { cellId: cell.id })
  const { freeBytes } = await checkRoomTask({ docker: rig.host, pool: rig.pool })(input, task.context)
  expect(freeBytes).toBeGreaterThan(0n)
  return task
}

/** What PostgreSQL would replay after a crash: what is not on disk yet. */
const unwrittenBytes = () =>
  withSuperuser(cell, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) as bytes from pg_control_checkpoint()',
    )
    return Number(rows[0]?.bytes)
  })

test('what production has changed is on disk before anybody is sent away', async () => {
  await withSuperuser(cell, (client) =>
    client.query("create table bulk as select repeat('x', 100) as text from generate_series(1, 20000)"),
  )
  expect(await unwrittenBytes()).toBeGreaterThan(1_000_000)
  const { warnings } = await check()
  expect(warnings).toEqual([])
  expect(await unwrittenBytes()).toBeLessThan(100_000)
}, 60_000)

test('where PostgreSQL is down there is room all the same, and it stays down', async () => {
  await rig.cells.stop(cell.id, rig.step.signal)
  const { lines } = await check()
  expect(lines).toHaveLength(1)
}, 60_000)
