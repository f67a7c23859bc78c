import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { neverBuilt } from '../../db/never-built.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import { requireProject } from './projects.ts'

/** What the deletion of a project takes away, and what it leaves. */
export interface DeletionPlan {
  /** Living environments that go, with their data; their names. What was never built has none, and goes without a word. */
  readonly environments: readonly string[]
  /** Values given to Odoo, and what builds present to others. */
  readonly secrets: number
  readonly tokens: number
  readonly grants: number
  readonly members: number
  /** What stays for whoever asks later. */
  readonly runs: number
  readonly releases: number
  readonly statements: number
  readonly auditEvents: number
  /** Why it can’t be deleted as it is; empty where it can. */
  readonly blocker: string
}

/** Throws `project-not-found`. */
export async function planProjectDeletion(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<DeletionPlan> {
  return await withTenant(db, caller, async (tx) => await planDeletion(tx, await requireProject(tx, name)))
}

/** What lets anybody or anything in, or is worth something elsewhere; and the column that says since when no more. */
export const endings = {
  secrets: 'deleted_at',
  tokens: 'revoked_at',
  grants: 'revoked_at',
  project_members: 'ended_at',
} as const

/** The same inside the caller's transaction. */
export async function planDeletion(
  tx: Tx,
  { id, name }: { id: string; name: string },
): Promise<DeletionPlan> {
  const environments = await tx
    .selectFrom('environments')
    .select(['name', 'stage'])
    .where('project_id', '=', id)
    .where('status', '<>', 'destroyed')
    .where(sql<boolean>`not ${neverBuilt}`)
    .orderBy('name')
    .execute()
  const production = environments.find(({ stage }) => stage === 'production')
  const count = (table: string, ending?: string) => {
    const living = ending ? sql`and ${sql.ref(ending)} is null` : sql``
    return sql<number>`(select count(*)::integer from ${sql.table(table)} where project_id = ${id} ${living})`
  }
  const numbers = await tx
    .selectNoFrom([
      count('secrets', endings.secrets).as('secrets'),
      count('tokens', endings.tokens).as('tokens'),
      count('grants', endings.grants).as('grants'),
      count('project_members', endings.project_members).as('members'),
      count('runs').as('runs'),
      count('releases').as('releases'),
      count('statements').as('statements'),
      count('audit_events').as('auditEvents'),
    ])
    .executeTakeFirstOrThrow()
  return {
    environments: environments.filter(({ stage }) => stage !== 'production').map((row) => row.name),
    ...numbers,
    blocker: production
      ? `The project ${name} has a production: destroy it first, as its policy lets you ` +
        `(fairway env destroy ${name} production --confirm production).`
      : '',
  }
}
