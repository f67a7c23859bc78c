import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabases } from '../../server/db/databases.ts'
import { requireBoundRoles } from '../../server/db/guard.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { query, startTestDatabase, type TestDatabase, templateRoles } from '../support/postgres.ts'

let database: TestDatabase
/** Roles are the whole PostgreSQL's: these are only ours. */
const suffix = randomBytes(4).toString('hex')
const role = `guarded_${suffix}`
const group = `guarded_group_${suffix}`
const between = `guarded_between_${suffix}`

beforeAll(async () => {
  database = await startTestDatabase()
})

afterAll(() => database?.close())

const owner = (text: string) => query(database.ownerUrl, text)

/** The guard's answer to a server whose pools log in as the role. */
async function judge(place: 'app' | 'scheduler'): Promise<string> {
  const url = new URL(database.ownerUrl)
  url.username = role
  url.password = 'p'
  const db = openDatabases({ ...database.urls, [place]: url.href }, () => undefined)
  try {
    await requireBoundRoles(db)
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  } finally {
    await db.close()
  }
}

/** Makes a role as said, has it judged in both places, and takes it away again. */
async function judgeRole(...statements: string[]): Promise<string> {
  await owner(`create role ${role} login password 'p'`)
  await owner(`create role ${group}`)
  await owner(`create role ${between}`)
  try {
    for (const statement of statements) await owner(statement)
    const [app, scheduler] = [await judge('app'), await judge('scheduler')]
    expect(scheduler).toBe(app)
    return app
  } finally {
    await owner('alter table runs owner to current_user')
    for (const made of [role, between, group]) await owner(`drop role ${made}`)
  }
}

test('a role that owns nothing and can become nobody is accepted', async () => {
  expect(await judgeRole(`grant ${group} to ${role}`)).toBe('accepted')
})

describe('a role is refused that', () => {
  test.each([
    ['is a superuser', 'superuser'],
    ['has BYPASSRLS', 'bypassrls'],
    ['has CREATEROLE', 'createrole'],
    ['has REPLICATION', 'replication'],
  ])('%s', async (because, attribute) => {
    expect(await judgeRole(`alter role ${role} ${attribute}`)).toContain(`: it ${because}.`)
    const becomes = await judgeRole(`alter role ${group} ${attribute}`, `grant ${group} to ${role}`)
    expect(becomes).toContain(`: it can become ${group}, which ${because}.`)
  })

  test('owns a table', async () => {
    expect(await judgeRole(`alter table runs owner to ${role}`)).toContain(': it owns tables.')
  })

  test('can become the owner of a table, by way of another role and without inheriting from it', async () => {
    const refusal = await judgeRole(
      `alter table runs owner to ${group}`,
      `alter role ${role} noinherit`,
      `grant ${group} to ${between}`,
      `grant ${between} to ${role}`,
    )
    expect(refusal).toContain(
      `The database role ${role} can bypass row-level security: it can become ${group}, which`,
    )
  })

  test('logs in as somebody else than it works as', async () => {
    const refusal = await judgeRole(
      `grant ${group} to ${role}`,
      `alter role ${role} bypassrls`,
      `alter role ${role} set role ${group}`,
    )
    expect(refusal).toContain(`The database role ${group} can bypass`)
    expect(refusal).toContain(`it can become ${role}, which has BYPASSRLS`)
  })

  test('reaches PostgreSQL’s own files', async () => {
    expect(await judgeRole(`grant pg_execute_server_program to ${role}`)).toContain('reaches the files')
  })
})

test('a server does not start on a database whose tables are its role’s, or where row-level security is off', async () => {
  const { config, sealer, log } = database.context
  const start = async () => (await openControlPlaneDatabase(config, sealer, log)).close()
  await start()
  await owner(`alter table runs owner to ${templateRoles().app}`)
  await expect(start()).rejects.toThrow(
    `${templateRoles().app} can bypass row-level security: it owns tables`,
  )
  await owner('alter table runs owner to current_user')
  for (const off of ['disable', 'no force']) {
    await owner(`alter table secrets ${off} row level security`)
    await expect(start()).rejects.toThrow('Row-level security is off on secrets')
    await owner('alter table secrets enable row level security, force row level security')
  }
  await start()
})
