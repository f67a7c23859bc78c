import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { type Policy, type PolicyOutcome, PolicySchema } from '../../../proto/gen/fairway/v1/policies_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { PoliciesTable } from '../../db/tables/governance.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, notFound } from '../../errors.ts'
import { listDeciders } from '../../governance/approvals/deciders.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { changesOf } from '../../governance/policy/changes.ts'
import { defaultPolicy, policySchema } from '../../governance/policy/document.ts'
import { lockPolicy, policyInForce } from '../../governance/policy/in-force.ts'
import { outcomesOf } from '../../governance/policy/outcomes.ts'
import { readPolicy } from '../../governance/policy/read-policy.ts'
import { renderPolicy } from '../../governance/policy/render.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'

/** The policy in force, or one version of it. Throws `project-not-found`, `policy-not-found`. */
export async function getPolicy(
  { db }: AppContext,
  caller: Caller,
  wanted: { project: string; version: number },
): Promise<Policy> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    const row = await findVersion(tx, project.id, wanted.version)
    if (row) return policyMessage(project.name, row)
    if (wanted.version === 0) return unset(project.name)
    throw notFound(
      'policy',
      `version ${wanted.version} of ${project.name}`,
      `List them with \`fairway policy history ${project.name}\`.`,
    )
  })
}

/**
 * Puts a new version in force; approvals that are open are judged by it when they are used. Throws `invalid-policy`,
 * `project-not-found`, `policy-changed`.
 */
export async function setPolicy(
  { db }: AppContext,
  caller: Caller,
  wanted: { project: string; yaml: string; expectedVersion: number },
): Promise<{ policy: Policy; changes: string[] }> {
  // Outside of any transaction, which would hold a connection as long; and for nobody who may not set one.
  await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    await authorize(tx, caller, 'policy.set', { projectId: project.id })
  })
  const document = await readPolicy(wanted.yaml, caller.organizationId)
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    await authorize(tx, caller, 'policy.set', { projectId: project.id })
    await lockPolicy(tx, project.id)
    const before = await policyInForce(tx, project.id)
    if (wanted.expectedVersion !== 0 && wanted.expectedVersion !== before.version) {
      throw new DomainError(
        'changed',
        'policy-changed',
        `Version ${before.version} of the policy is in force by now, not ${wanted.expectedVersion}. ` +
          `Look at it (\`fairway policy show ${project.name}\`), then set yours again.`,
      )
    }
    const changes = changesOf(before.document, document)
    const row = await tx
      .insertInto('policies')
      .values({
        organization_id: caller.organizationId,
        project_id: project.id,
        version: before.version + 1,
        source: wanted.yaml,
        document: JSON.stringify(document),
        sha256: createHash('sha256').update(wanted.yaml).digest('hex'),
        set_by: caller.actor,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await audit(
      tx,
      caller,
      'policy.set',
      { kind: 'policy', id: row.id, projectId: project.id },
      { project: project.name, version: row.version, sha256: row.sha256, changes },
    )
    return { policy: policyMessage(project.name, row), changes }
  })
}

/** Newest first. Throws `project-not-found`. */
export async function listPolicyVersions(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<Policy[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    const rows = await tx
      .selectFrom('policies')
      .selectAll()
      .where('project_id', '=', project.id)
      .orderBy('version', 'desc')
      .execute()
    return rows.map((row) => policyMessage(project.name, row))
  })
}

/** What would be said to each protected action; changes nothing. Throws `invalid-policy`, `project-not-found`. */
export async function testPolicy(
  { db }: AppContext,
  caller: Caller,
  wanted: { project: string; yaml: string; at: Date },
): Promise<{ outcomes: Omit<PolicyOutcome, '$typeName'>[]; changes: string[] }> {
  await withTenant(db, caller, (tx) => requireProject(tx, wanted.project))
  const given = wanted.yaml === '' ? undefined : await readPolicy(wanted.yaml, caller.organizationId)
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    const inForce = await policyInForce(tx, project.id)
    const document = given ?? inForce.document
    const environment = { name: 'production', stage: 'production' } as const
    const deciders = await listDeciders(tx, { projectId: project.id, environment })
    return {
      outcomes: outcomesOf(document, deciders, wanted.at),
      changes: changesOf(inForce.document, document),
    }
  })
}

const findVersion = (tx: Tx, projectId: string, version: number) => {
  const query = tx
    .selectFrom('policies')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('version', 'desc')
    .limit(1)
  return (version === 0 ? query : query.where('version', '=', version)).executeTakeFirst()
}

const unset = (project: string): Policy =>
  create(PolicySchema, { project, version: 0, effectiveYaml: renderPolicy(defaultPolicy) })

const policyMessage = (project: string, row: Selectable<PoliciesTable>): Policy =>
  create(PolicySchema, {
    project,
    version: row.version,
    yaml: row.source,
    effectiveYaml: renderPolicy(policySchema.parse(row.document)),
    sha256: row.sha256,
    setBy: row.set_by,
    setAt: timestampOf(row.created_at),
  })
