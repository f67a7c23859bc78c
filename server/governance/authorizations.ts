import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { audit } from '../db/audit.ts'
import type { AuthorizationsTable } from '../db/tables/governance.ts'
import type { Operation, Tx } from '../db/tenancy.ts'

export type Basis = AuthorizationsTable['basis']

export interface HashedSubject {
  /** Canonical JSON (RFC 8785). */
  readonly text: string
  /** Of the text, in hex. */
  readonly sha256: string
}

export function hashSubject(subject: Readonly<Record<string, unknown>>): HashedSubject {
  const text = canonicalize(subject)
  if (text === undefined) throw new Error('A subject is plain JSON')
  return { text, sha256: createHash('sha256').update(text).digest('hex') }
}

export interface NewAuthorization {
  readonly action: string
  readonly projectId: string
  readonly environmentId?: string
  readonly runId?: string
  readonly subjectSha256: string
  readonly policyVersion: number
  readonly basis: Basis
  readonly approvalId?: string
}

/**
 * Writes down that something may happen once, and gives the id that goes with its tasks. Only protect.ts decides that
 * of a protected action; the rest that touches production (start and stop) gets its own by `basis: 'policy'`.
 */
export async function recordAuthorization(tx: Tx, op: Operation, wanted: NewAuthorization): Promise<string> {
  const { id } = await tx
    .insertInto('authorizations')
    .values({
      organization_id: op.organizationId,
      project_id: wanted.projectId,
      environment_id: wanted.environmentId ?? null,
      action: wanted.action,
      subject_sha256: wanted.subjectSha256,
      basis: wanted.basis,
      approval_id: wanted.approvalId ?? null,
      run_id: wanted.runId ?? null,
      policy_version: wanted.policyVersion,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await audit(
    tx,
    op,
    'action.authorize',
    { kind: 'authorization', id, projectId: wanted.projectId },
    {
      action: wanted.action,
      basis: wanted.basis,
      approval: wanted.approvalId ?? null,
      run: wanted.runId ?? null,
      subjectSha256: wanted.subjectSha256,
      policyVersion: wanted.policyVersion,
    },
  )
  return id
}
