import type { Stage } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { invalid, notFound } from '../../errors.ts'
import { isStage } from '../../governance/secrets/scopes.ts'

export interface Scope {
  /** As secrets keep it. */
  readonly scope: string
  /** Where the permission is needed; undefined for the whole project. */
  readonly environment?: { readonly name: string; readonly stage: Stage; readonly id?: string }
}

/** A stage, or an environment by its own or its branch's name. Throws `environment-not-found`, `invalid-scope`. */
export async function resolveScope(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
  scope: string,
): Promise<Scope> {
  if (scope === '') return { scope }
  if (isStage(scope)) return { scope, environment: { name: '', stage: scope } }
  const environment = await tx
    .selectFrom('environments')
    .innerJoin('branches', 'branches.id', 'environments.branch_id')
    .select(['environments.id', 'environments.name', 'environments.stage'])
    .where('environments.project_id', '=', project.id)
    .where('environments.purpose', '=', 'branch')
    .where((eb) => eb.or([eb('environments.name', '=', scope), eb('branches.name', '=', scope)]))
    .orderBy((eb) => eb('environments.status', '=', 'destroyed'))
    .orderBy((eb) => eb('environments.name', '=', scope), 'desc')
    .orderBy('environments.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!environment) {
    throw notFound(
      'environment',
      JSON.stringify(`${project.name}/${scope}`),
      'Name one of `fairway env list`, or a stage: production, staging, development.',
    )
  }
  if (isStage(environment.name) && environment.name !== environment.stage) {
    throw invalid(
      'scope',
      `The environment ${environment.name} has a stage’s name but is ${environment.stage}: it cannot have secrets of its own.`,
    )
  }
  return { scope: environment.name, environment }
}
