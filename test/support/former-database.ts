import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { migrate } from '../../server/db/migrate.ts'
import { type RolePasswords, roleNames, rolePasswords } from '../../server/db/roles.ts'
import { openTestDatabase, query, startTestDatabase, type TestDatabase } from './postgres.ts'

const folder = new URL('../../migrations/', import.meta.url)

/** Applies those migrations as a server of before did, which knew no others. */
export async function applyMigrations(ownerUrl: string, files: readonly string[]): Promise<void> {
  await query(
    ownerUrl,
    'create table if not exists schema_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
  )
  for (const name of files) {
    const text = await readFile(new URL(name, folder), 'utf8')
    const sha256 = createHash('sha256').update(text).digest('hex')
    await query(ownerUrl, text)
    await query(ownerUrl, 'insert into schema_migrations (name, sha256) values ($1, $2)', [name, sha256])
  }
}

const formerRoles = roleNames('')

/**
 * The roles that every installation once had. Each upgrade of a database drops them where it may; they may connect to
 * another one, and stay for the other test files.
 */
export async function makeFormerRoles(adminUrl: string, passwords: RolePasswords): Promise<void> {
  for (const role of ['app', 'scheduler'] as const) {
    await query(adminUrl, `create role ${formerRoles[role]} login password '${passwords[role]}'`)
    await query(adminUrl, `grant connect on database postgres to ${formerRoles[role]}`)
  }
}

/** An empty database, and a server of before as its context. */
export async function startFormerDatabase(): Promise<TestDatabase> {
  const empty = await startTestDatabase('template0')
  await empty.disconnect()
  return await openTestDatabase(nameOf(empty), formerRoles)
}

/** Ends what still works with it, and starts this version on it as that owner; gives what has to be closed instead. */
export async function upgradeDatabase(
  database: TestDatabase,
  ownerUrl = database.ownerUrl,
): Promise<{ database: TestDatabase; applied: string[]; notices: readonly string[] }> {
  await database.disconnect()
  const { applied, roles } = await migrate(ownerUrl, rolePasswords(database.context.sealer))
  return {
    database: await openTestDatabase(nameOf(database), roles.names),
    applied,
    notices: roles.notices,
  }
}

const nameOf = ({ ownerUrl }: TestDatabase) => new URL(ownerUrl).pathname.slice(1)

/** Names of the migrations before one, such as `0009`. */
export const migrationsBefore = async (end: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.sql') && name < end).sort()
