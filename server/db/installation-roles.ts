import pg from 'pg'
import { requireNoServer } from './no-server.ts'
import { dropUnusedRole, transferRoles } from './role-transfer.ts'
import { newRoleSuffix, type RoleNames, type RolePasswords, roleNames, roleUrls } from './roles.ts'
import { scramSecret } from './scram.ts'

const bound = 'nosuperuser nobypassrls nocreatedb nocreaterole noreplication'
const each = ['app', 'scheduler'] as const

export interface ClaimedRoles {
  readonly names: RoleNames
  /** What was found and done that people should know. */
  readonly notices: readonly string[]
}

/**
 * The names that this database's roles have, or had before each installation got names of its own; undefined where no
 * server was started on it yet.
 */
export async function findRoleNames(client: pg.Client): Promise<RoleNames | undefined> {
  if (await exists(client, 'installation')) {
    const { rows } = await client.query<{ role_suffix: string }>('select role_suffix from installation')
    if (rows[0]) return roleNames(rows[0].role_suffix)
  }
  return (await exists(client, 'schema_migrations')) ? roleNames('') : undefined
}

/**
 * Makes sure of two roles that are this installation's alone, with these passwords. Roles belong to a whole PostgreSQL:
 * those that another of its databases uses with another password are left as they are, and so are those of the days when
 * every installation had the same names; what they may do here goes to new ones. The caller holds the migration lock.
 */
export async function claimRoles(
  client: pg.Client,
  ownerUrl: string,
  passwords: RolePasswords,
): Promise<ClaimedRoles> {
  const former = await findRoleNames(client)
  if (former) await requireRestoredRoles(client, former)
  const foreign = former ? await findForeign(client, ownerUrl, former, passwords) : []
  if (former && foreign.length === 0 && former.app !== roleNames('').app) {
    for (const role of each) await ensureRole(client, ownerUrl, former[role], passwords[role])
    return { names: former, notices: [] }
  }
  if (former) await requireNoServer(client, former, 'its database roles get names of their own')
  const notices = former ? foreign : await describeNeighbours(client)
  return await inTransaction(client, async () => {
    const suffix = newRoleSuffix()
    const names = roleNames(suffix)
    await client.query('create table if not exists installation (role_suffix text not null)')
    await client.query('delete from installation')
    await client.query('insert into installation (role_suffix) values ($1)', [suffix])
    for (const role of each) await createRole(client, names[role], passwords[role])
    if (!former) return { names, notices }
    await transferRoles(client, former, names)
    const left: string[] = []
    for (const role of each) if (!(await dropUnusedRole(client, former[role]))) left.push(former[role])
    return { names, notices: [...notices, renamed(former, names, left)] }
  })
}

function renamed(former: RoleNames, names: RoleNames, left: readonly string[]): string {
  const kept =
    left.length > 0
      ? `; ${left.join(', ')} stay${left.length > 1 ? '' : 's'}: another database uses them, or the owner may not drop them`
      : ''
  return (
    `The roles of this installation are ${names.app} and ${names.scheduler} now, no longer ${former.app} and ` +
    `${former.scheduler}${kept}. A pooler that lists them needs the new names.`
  )
}

/** Only a superuser may even repeat such attributes of a role that is there: they are left alone where they are right. */
async function ensureRole(
  client: pg.Client,
  ownerUrl: string,
  role: string,
  password: string,
): Promise<void> {
  const { rows } = await client.query<{ isBound: boolean }>(
    `select not (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication) as "isBound"
     from pg_roles where rolname = $1`,
    [role],
  )
  if (rows[0]?.isBound && (await canLogIn(ownerUrl, role, password))) return
  const attributes = rows[0]?.isBound ? 'login' : `login ${bound}`
  await client.query(
    `alter role ${client.escapeIdentifier(role)} ${attributes} password ${client.escapeLiteral(scramSecret(password))}`,
  )
}

const createRole = (client: pg.Client, role: string, password: string) =>
  client.query(
    `create role ${client.escapeIdentifier(role)} login ${bound} password ${client.escapeLiteral(scramSecret(password))}`,
  )

/** SQLSTATE: another password; no leave to log in at all. */
const refused = new Set(['28P01', '28000'])

async function canLogIn(ownerUrl: string, role: string, password: string): Promise<boolean> {
  const connectionString = roleUrls(
    ownerUrl,
    { app: role, scheduler: role },
    { app: password, scheduler: password },
  ).app
  const client = new pg.Client({ connectionString, application_name: 'fairway-role-check' })
  try {
    await client.connect()
    return true
  } catch (error) {
    if (refused.has((error as { code?: string }).code ?? '')) return false
    throw error
  } finally {
    await client.end()
  }
}

/** A dump that was restored where its roles were not has lost every policy: nothing would be seen, and nothing said. */
async function requireRestoredRoles(client: pg.Client, { app, scheduler }: RoleNames): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) name where name not in (select rolname from pg_roles)`,
    [[app, scheduler]],
  )
  if (rows.length === 0) return
  throw new Error(
    `The database's roles ${rows.map(({ name }) => name).join(' and ')} are not in this PostgreSQL, so it was restored ` +
      'without what they may do. Make them first (`create role … nologin`), then restore into an empty database: ' +
      'docs/operations.md, "Backing up the control plane".',
  )
}

async function findForeign(
  client: pg.Client,
  ownerUrl: string,
  names: RoleNames,
  passwords: RolePasswords,
): Promise<string[]> {
  const foreign: string[] = []
  for (const role of each) {
    const others = await listOtherDatabases(client, names[role])
    if (others.length === 0 || (await canLogIn(ownerUrl, names[role], passwords[role]))) continue
    foreign.push(
      `The database role ${names[role]} has the password of another installation, which uses it in the database ` +
        `${others.join(', ')} of the same PostgreSQL. It was left alone.`,
    )
  }
  return foreign
}

/** The other databases of this PostgreSQL in which the role may do something. */
async function listOtherDatabases(client: pg.Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct d.datname::text as name
     from pg_shdepend s join pg_database d on d.oid = s.dbid join pg_roles r on r.oid = s.refobjid
     where s.refclassid = 'pg_authid'::regclass and r.rolname = $1 and d.datname <> current_database()
     order by 1`,
    [role],
  )
  return rows.map(({ name }) => name)
}

async function describeNeighbours(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select rolname::text as name from pg_roles where rolname ~ '^fairway_(app|scheduler)(_[0-9a-f]{8})?$' order by 1`,
  )
  if (rows.length === 0) return []
  const names = rows.map(({ name }) => name).join(', ')
  return [`The database roles ${names} in this PostgreSQL are other installations'. They were left alone.`]
}

async function exists(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ made: boolean }>('select to_regclass($1) is not null as made', [
    `public.${table}`,
  ])
  return rows[0]?.made ?? false
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const done = await work()
    await client.query('commit')
    return done
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
