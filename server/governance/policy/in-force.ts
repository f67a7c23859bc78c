import { sql } from 'kysely'
import type { Tx } from '../../db/tenancy.ts'
import { type ApprovalRule, type PolicyDocument, type ProtectedAction, policySchema } from './document.ts'

export interface Policy {
  /** 0: nothing was set, the defaults hold. */
  readonly version: number
  readonly document: PolicyDocument
}

/** The project's policy. Keys that came after it was set have their defaults. */
export async function policyInForce(tx: Tx, projectId: string): Promise<Policy> {
  const row = await tx
    .selectFrom('policies')
    .select(['version', 'document'])
    .where('project_id', '=', projectId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return { version: row?.version ?? 0, document: policySchema.parse(row?.document ?? {}) }
}

/** What the policy asks for before the action; undefined where it asks for none, `forbidden` where nobody may. */
export function approvalNeeded(
  document: PolicyDocument,
  action: ProtectedAction,
): ApprovalRule | 'forbidden' | undefined {
  const rule = document.approvals[action]
  return rule === 'none' ? undefined : rule
}

/** Until the commit no policy of the project is set, and none of its actions is decided, by anybody else. */
export async function lockPolicy(tx: Tx, projectId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`policy:${projectId}`}, 0))`.execute(tx)
}
