import { create } from '@bufbuild/protobuf'
import { type Secret, SecretSchema } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import type { AppContext } from '../../context.ts'
import type { Deployment } from '../../db/record.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { anyCredential } from '../../governance/secrets/credentials.ts'
import { pickNearest } from '../../governance/secrets/scopes.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'

export interface SecretRow {
  readonly id: string
  readonly name: string
  readonly scope: string
  readonly current_version: number
  readonly set_by: string
  readonly set_at: Date
}

/** Names and versions, never values. Throws `project-not-found`. */
export async function listSecrets({ db }: AppContext, caller: Caller, name: string): Promise<Secret[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    await authorize(tx, caller, 'secret.list', { projectId: project.id })
    return await viewSecrets(tx, project)
  })
}

/** The project's living secrets of environments, in the order of their names. */
export async function viewSecrets(tx: Tx, project: { id: string; name: string }): Promise<Secret[]> {
  const rows = await livingSecrets(tx, project.id).orderBy('name').orderBy('scope').execute()
  const stale = await findStale(tx, project.id, rows)
  return rows.map((row) =>
    create(SecretSchema, {
      name: row.name,
      project: project.name,
      scope: row.scope,
      version: row.current_version,
      setBy: row.set_by,
      setAt: timestampOf(row.set_at),
      staleEnvironments: stale.get(row.id) ?? [],
    }),
  )
}

const livingSecrets = (tx: Tx, projectId: string) =>
  tx
    .selectFrom('secrets')
    .innerJoin('secret_versions', (join) =>
      join
        .onRef('secret_versions.secret_id', '=', 'secrets.id')
        .onRef('secret_versions.version', '=', 'secrets.current_version'),
    )
    .select(['secrets.id', 'secrets.name', 'secrets.scope', 'secrets.current_version'])
    .select(['secret_versions.set_by', 'secret_versions.created_at as set_at'])
    .where('secrets.project_id', '=', projectId)
    .where('secrets.scope', 'not like', anyCredential)
    .where('secrets.deleted_at', 'is', null)

export const secretNotFound = (project: string, name: string, scope: string) =>
  notFound(
    'secret',
    JSON.stringify(scope ? `${name} (${scope})` : name),
    `List them with \`fairway secret list ${project}\`.`,
  )

/** Running environments that would get another version (or their first) if they were started now, by secret. */
async function findStale(
  tx: Tx,
  projectId: string,
  secrets: readonly SecretRow[],
): Promise<Map<string, string[]>> {
  const environments = await tx
    .selectFrom('environments')
    .select(['name', 'stage', 'deployment'])
    .where('project_id', '=', projectId)
    .where('status', '=', 'running')
    .where('deployment', 'is not', null)
    // What is kept of a failure is never started again.
    .where('purpose', '=', 'branch')
    .orderBy('name')
    .execute()
  const stale = new Map<string, string[]>()
  for (const environment of environments) {
    const { secrets: running = [] } = environment.deployment as Deployment
    const versions = new Map(running.map(({ name, version }) => [name, version]))
    for (const secret of pickNearest(secrets, environment).values()) {
      if (versions.get(secret.name) === secret.current_version) continue
      stale.set(secret.id, [...(stale.get(secret.id) ?? []), environment.name])
    }
  }
  return stale
}
