import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DATABASE } from '../../agent/database/names.ts'
import { hashPassword } from '../../agent/passwords/one-time-password.ts'
import { verifyPassword } from '../../agent/passwords/verify-password.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { inspectCellTask } from '../../agent/tasks/inspect-cell.ts'
import { readDefaultPasswords, replaceDefaultPasswords } from '../../agent/tasks/replace-default-passwords.ts'
import { InspectCellTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask } from '../support/task-context.ts'

// Whose passwords a new production loses, on a database that has as much of Odoo's as that takes. That Odoo itself lets in
// whoever has the new one is tried in test/e2e/main-job.test.ts.

const never = new AbortController().signal
const salt = Buffer.from('0123456789abcdef')
const hashOf = (password: string) => hashPassword(password, salt, 1_000)

let rig: StorageRig
let cell: Cell

beforeAll(async () => {
  rig = await createRig('reflink')
  cell = await createCell('production')
  await asOdoo(
    `create table ir_model_data (id serial primary key, module varchar, name varchar, model varchar, res_id int)`,
    `create table res_users (id serial primary key, login varchar, password varchar, active boolean)`,
  )
}, 120_000)
afterAll(() => rig?.remove(), 60_000)
beforeEach(() => asOdoo('truncate res_users, ir_model_data'))

const createCell = (stage: Cell['stage']) =>
  rig.cells.create(
    { id: randomUUID(), environmentId: randomUUID(), stage, postgresImage: POSTGRES_IMAGE, limits: LIMITS },
    rig.step,
  )
const inDatabase = <R extends object>(text: string, values: unknown[] = []) =>
  withSuperuser(cell, async (client) => (await client.query<R>(text, values)).rows, { database: DATABASE })
const asOdoo = (...texts: string[]) =>
  withSuperuser(
    cell,
    async (client) => {
      await client.query('set role odoo')
      for (const text of texts) await client.query(text)
    },
    { database: DATABASE },
  )

/** A user that is called so in Odoo's own module, or is nobody of Odoo's. */
async function addUser(login: string, password: string | null, name?: string, active = true): Promise<void> {
  const [user] = await inDatabase<{ id: number }>(
    'insert into res_users (login, password, active) values ($1, $2, $3) returning id',
    [login, password, active],
  )
  const row = 'insert into ir_model_data (module, name, model, res_id) values ($1, $2, $3, $4)'
  if (name) await inDatabase(row, ['base', name, 'res.users', user?.id])
}

const replace = (task = createTask(), of = cell) => replaceDefaultPasswords(rig as never, of.id, task.context)
const kept = async (login: string) => {
  const rows = await inDatabase<{ password: string | null }>(
    'select password from res_users where login = $1',
    [login],
  )
  return rows[0]?.password ?? null
}

test('the administrator gets another password and others of Odoo’s own none, but none that somebody chose', async () => {
  await addUser('boss@example.com', await hashOf('admin'), 'user_admin')
  await addUser('demo', await hashOf('demo'), 'user_demo')
  await addUser('portal', await hashOf('their own'), 'demo_user0')
  const stranger = await hashOf('admin')
  await addUser('stranger', stranger)
  const portal = await kept('portal')
  const task = createTask()
  const { administrator, defaultPasswords } = await replace(task)
  expect(administrator).toMatchObject({ login: 'boss@example.com' })
  const { password = '' } = administrator ?? {}
  expect(await verifyPassword(password, (await kept('boss@example.com')) ?? '')).toBe(true)
  expect(await kept('demo')).toBeNull()
  expect(await kept('portal')).toBe(portal)
  expect(await kept('stranger')).toBe(stranger)
  expect(defaultPasswords.logins).toEqual([])
  expect([...task.lines.map(({ text }) => text), ...task.warnings].join('\n')).not.toContain(password)
})

test('a password that a module gave the administrator stays, and nobody is told one', async () => {
  const own = await hashOf('of a module')
  await addUser('admin', own, 'user_admin')
  expect((await replace()).administrator).toBeUndefined()
  expect(await kept('admin')).toBe(own)
})

test('the same task makes another when its answer was lost, also in a later epoch; another task changes nothing', async () => {
  await addUser('admin', await hashOf('admin'), 'user_admin')
  const task = createTask()
  const lost = await replace(task)
  // A later epoch has no checkpoints of the one before.
  const again = await replace(createTask(task.context.taskId))
  expect(again.administrator?.password).toBeDefined()
  expect(again.administrator?.password).not.toBe(lost.administrator?.password)
  expect(await verifyPassword(again.administrator?.password ?? '', (await kept('admin')) ?? '')).toBe(true)
  const now = await kept('admin')
  expect((await replace()).administrator).toBeUndefined()
  expect(await kept('admin')).toBe(now)
})

test('one that was written with SQL, or is older than Odoo’s rounds, counts; who cannot sign in does not', async () => {
  await addUser('admin', 'admin', 'user_admin')
  await addUser('demo', await hashPassword('demo', salt, 25_000), 'user_demo')
  await addUser('portal', await hashOf('portal'), 'demo_user0', false)
  expect((await readDefaultPasswords(cell, never)).logins).toEqual(['admin', 'demo'])
})

test('a look at a cell that is served says who gets in, where it is asked', async () => {
  await addUser('boss@example.com', await hashOf('admin'), 'user_admin')
  await addUser('demo', await hashOf('their own'), 'user_demo')
  const look = (defaultPasswords: boolean) =>
    inspectCellTask({ cells: rig.cells })(
      create(InspectCellTaskSchema, { cellId: cell.id, defaultPasswords }),
      createTask().context,
    )
  expect((await look(true)).defaultPasswords?.logins).toEqual(['boss@example.com'])
  expect((await look(false)).defaultPasswords).toBeUndefined()
})

test('hashes that nobody can verify in time, or at all, are no default', async () => {
  const [, , rest = ''] = /^(\$pbkdf2-sha512\$\d+)(.*)$/.exec(await hashOf('admin')) ?? []
  await addUser('admin', `$pbkdf2-sha512$9999999${rest}`, 'user_admin')
  await addUser('demo', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 'user_demo')
  await addUser('portal', '', 'demo_user0')
  expect((await readDefaultPasswords(cell, never)).logins).toEqual([])
})

test('a cell that is none of production is refused', async () => {
  const preview = await createCell('development')
  await expect(replace(createTask(), preview)).rejects.toMatchObject({ reason: 'bad-input' })
})
