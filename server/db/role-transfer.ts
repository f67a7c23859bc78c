import type pg from 'pg'
import type { RoleNames } from './roles.ts'

/**
 * Hands all that the former roles may do in this database to the new ones: policies and grants, on tables, columns, the
 * schema and functions. In the transaction that the client is in, as the owner of all of it; both roles have to be there.
 */
export async function transferRoles(client: pg.Client, from: RoleNames, to: RoleNames): Promise<void> {
  for (const role of ['app', 'scheduler'] as const) {
    const { rows } = await client.query<{ statement: string }>(statements, [from[role], to[role]])
    for (const { statement } of rows) await client.query(statement)
  }
}

/** For each grant two: to the new role, and from the former one. A policy keeps the other roles that it is for. */
const statements = `
  with former as (select oid, rolname from pg_roles where rolname = $1),
  acls (object, columns, acl) as (
    select 'table ' || c.oid::regclass, '', c.relacl from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select 'sequence ' || c.oid::regclass, '', c.relacl from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
    union all
    select 'table ' || a.attrelid::regclass, format(' (%I)', a.attname), a.attacl
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and not a.attisdropped
    union all
    select 'schema ' || quote_ident(nspname), '', nspacl from pg_namespace where nspname = 'public'
    union all
    select 'function ' || p.oid::regprocedure, '', p.proacl from pg_proc p
      where p.pronamespace = 'public'::regnamespace
  ),
  grants as (
    select object, e.privilege_type || columns as privilege
    from acls cross join lateral aclexplode(acl) e join former on former.oid = e.grantee
  )
  select format('grant %s on %s to %I', privilege, object, $2::text) as statement from grants
  union all
  select format('revoke %s on %s from %I', privilege, object, $1::text) from grants
  union all
  select format('alter policy %I on %s to %s', p.polname, p.polrelid::regclass, (
    select string_agg(case
      when role = former.oid then quote_ident($2::text)
      when role = 0 then 'public'
      else role::regrole::text end, ', ') from unnest(p.polroles) role
  )) from pg_policy p join former on former.oid = any (p.polroles)`

/** SQLSTATE: something depends on the role yet; it is not ours to drop. */
const stays = new Set(['2BP01', '42501'])

/** Drops a role that nothing depends on any more, here or elsewhere; gives whether it did. In a transaction. */
export async function dropUnusedRole(client: pg.Client, role: string): Promise<boolean> {
  await client.query('savepoint before_drop')
  try {
    await client.query(`drop role ${client.escapeIdentifier(role)}`)
    return true
  } catch (error) {
    if (!stays.has((error as { code?: string }).code ?? '')) throw error
    await client.query('rollback to savepoint before_drop')
    return false
  }
}
