import { randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { type Databases, waits } from './databases.ts'
import { isStale } from './prepared.ts'
import type { Schema } from './schema.ts'

export type Tx = Transaction<Schema>

/** What a transaction may see and change; the database holds it to that (migrations/0002-governance.sql). */
export interface Access {
  /** `system` for what the server does on its own; else a role of server/governance/matrix.ts. */
  readonly role: string
  readonly memberId?: string
  readonly projects: Projects
  /** Name of the one branch whose runs are seen, and what came of them; undefined: all. */
  readonly branch?: string
}

/** Ids of the projects that something reaches. */
export type Projects = 'all' | readonly string[]

const setting = (projects: Projects): string => (projects === 'all' ? '*' : `{${projects.join(',')}}`)

/** On whose behalf something happens; goes with every transaction and audit row. */
export interface Operation {
  readonly organizationId: string
  /** `member:ana`, `host:one`, `github`, `scheduler` */
  readonly actor: string
  readonly requestId: string
  readonly access: Access
}

/** What the server does on its own, in one organization. */
export const operation = (
  organizationId: string,
  actor: string,
  requestId: string = randomUUID(),
): Operation => ({ organizationId, actor, requestId, access: { role: 'system', projects: 'all' } })

const retriable = new Set(['40001', '40P01'])
const attempts = 3

/**
 * The only way to tenant rows: one transaction whose scope is the operation's organization, role and projects.
 * Row-level security shows and takes nothing else; writing takes a permission as well (see claim) unless the
 * server works on its own. A serialization failure or deadlock runs `fn` again, at most twice: it must have
 * no effect outside the database.
 */
export async function withTenant<T>(db: Databases, op: Operation, fn: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.app.transaction().execute(async (tx) => {
        await enter(tx, op)
        return await fn(tx)
      })
    } catch (error) {
      const again = retriable.has((error as { code?: string }).code ?? '') || isStale(error)
      if (attempt >= attempts || !again) throw error
    }
  }
}

/** All in one statement. Every setting is set, so that none is left of whoever had the connection before. */
async function enter(tx: Tx, { organizationId, access }: Operation): Promise<void> {
  const projects = setting(access.projects)
  await sql`select set_config('fairway.organization', ${organizationId}, true),
    set_config('fairway.role', ${access.role}, true),
    set_config('fairway.member', ${access.memberId ?? ''}, true),
    set_config('fairway.projects', ${projects}, true),
    set_config('fairway.branch', ${access.branch ?? ''}, true),
    set_config('fairway.writes', ${access.role === 'system' ? projects : ''}, true),
    set_config('fairway.permission', '', true),
    set_config('lock_timeout', ${String(waits.lock_timeout)}, true),
    set_config('statement_timeout', ${String(waits.statement_timeout)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(waits.idle_in_transaction_session_timeout)}, true)`.execute(
    tx,
  )
}

/** What a transaction goes on with: a permission that `role`, or a grant of its member, has in these projects. */
export interface Claim {
  readonly permission: string
  readonly role: string
  readonly projects: Projects
}

/** From here on the transaction writes what that permission changes, and only in those projects. */
export async function claim(tx: Tx, { permission, role, projects }: Claim): Promise<void> {
  await sql`select set_config('fairway.permission', ${permission}, true),
    set_config('fairway.role', ${role}, true),
    set_config('fairway.writes', ${setting(projects)}, true)`.execute(tx)
}

/**
 * From here on the server acts on its own in those projects: for what follows from an authorized change, in tables that
 * nobody's permission for it is to open.
 */
export const actAsServer = (tx: Tx, projects: Projects): Promise<void> =>
  claim(tx, { permission: '', role: 'system', projects })
