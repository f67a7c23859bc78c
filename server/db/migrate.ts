import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { liftForcedPolicies } from './forced-policies.ts'
import { type ClaimedRoles, claimRoles } from './installation-roles.ts'
import { type RoleNames, type RolePasswords, withRoleNames } from './roles.ts'

const folder = fileURLToPath(new URL('../../migrations/', import.meta.url))
/** Key of the advisory lock that lets one server at a time migrate. */
const migrationLock = 7_236_110
/** SQLSTATE; PostgreSQL itself lets a second or more pass before it says so. */
const deadlock = '40P01'
const mostAttempts = 10

/** The files of this server's schema, in their order. */
export const listMigrations = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()

/**
 * Brings the owner's database to the newest schema, forward only, each file in a transaction of its own, and makes
 * the two roles that the server runs as, this installation's own. The owner needs no superuser's rights, only CREATEROLE. Safe to call from
 * several servers at once. Rejects when a file that was applied has changed since, or when the database is newer than
 * this server.
 */
export async function migrate(
  ownerUrl: string,
  passwords: RolePasswords,
): Promise<{ applied: string[]; roles: ClaimedRoles }> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'fairway-migrate' })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock])
    const roles = await claimRoles(client, ownerUrl, passwords)
    return { applied: await applyPending(client, roles.names), roles }
  } finally {
    await client.end()
  }
}

async function applyPending(client: pg.Client, roles: RoleNames): Promise<string[]> {
  await client.query(
    'create table if not exists schema_migrations' +
      ' (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
  )
  const known = new Map<string, string>()
  for (const row of (await client.query('select name, sha256 from schema_migrations')).rows) {
    known.set(row.name, row.sha256)
  }
  const files = await listMigrations()
  const unknown = [...known.keys()].filter((name) => !files.includes(name))
  if (unknown.length > 0) {
    throw new Error(
      `The database has migrations this server does not know (${unknown.join(', ')}): start a newer server`,
    )
  }
  const applied: string[] = []
  for (const name of files) {
    const text = await readFile(folder + name, 'utf8')
    const sha256 = createHash('sha256').update(text).digest('hex')
    if (known.has(name)) {
      if (known.get(name) !== sha256)
        throw new Error(`Migration ${name} was changed after it was applied: restore the file`)
      continue
    }
    await applyFile(client, { name, sha256, text: withRoleNames(text, roles) })
    applied.push(name)
  }
  return applied
}

interface MigrationFile {
  readonly name: string
  readonly sha256: string
  readonly text: string
}

/**
 * Servers that are at work meanwhile lock one table after the other, and a file does so in an order of its own: where the two
 * meet, one of them has to begin again. From then on the file waits for what they lock first (see `lockRun`), and they for it.
 */
async function applyFile(client: pg.Client, file: MigrationFile): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await client.query('begin')
    try {
      if (attempt > 1) await client.query('lock table projects, runs, tasks in access exclusive mode')
      const policies = await liftForcedPolicies(client)
      await client.query(file.text)
      await policies.restore()
      const row = [file.name, file.sha256]
      await client.query('insert into schema_migrations (name, sha256) values ($1, $2)', row)
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback')
      if (attempt < mostAttempts && (error as { code?: unknown }).code === deadlock) continue
      throw new Error(`Migration ${file.name} failed; the database is as it was before it`, { cause: error })
    }
  }
}
