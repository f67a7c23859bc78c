import type { SecretRefRecord } from '../../db/record.ts'
import type { Stage } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'

/** Whose secrets are asked for. */
export interface SecretPlace {
  readonly projectId: string
  readonly environment: { readonly name: string; readonly stage: Stage }
}

const stages: readonly string[] = ['production', 'staging', 'development'] satisfies Stage[]
export const isStage = (scope: string): scope is Stage => stages.includes(scope)

/**
 * The scopes whose secrets an environment gets, the nearest last: the project's, its stage's, its own. A stage's name
 * always means the stage: an environment that happens to be called `production` gets nothing by its name. A
 * scope with a colon is a credential's (see credentials.ts), whatever an environment is called.
 */
export const scopesOf = ({ name, stage }: SecretPlace['environment']): string[] =>
  isStage(name) || name.includes(':') ? ['', stage] : ['', stage, name]

export interface ScopedSecret {
  readonly name: string
  readonly scope: string
  readonly current_version: number
}

/** By name, what of the project's secrets the environment gets: of several of one name that of the nearest scope. */
export function pickNearest<S extends ScopedSecret>(
  secrets: readonly S[],
  environment: SecretPlace['environment'],
): Map<string, S> {
  const scopes = scopesOf(environment)
  const picked = new Map<string, S>()
  for (const scope of scopes) {
    for (const secret of secrets) if (secret.scope === scope) picked.set(secret.name, secret)
  }
  return picked
}

/** What the environment gets now, in the order of the names. */
export async function listSecretRefs(tx: Tx, place: SecretPlace): Promise<SecretRefRecord[]> {
  const secrets = await tx
    .selectFrom('secrets')
    .select(['name', 'scope', 'current_version'])
    .where('project_id', '=', place.projectId)
    .where('deleted_at', 'is', null)
    .orderBy('name')
    .execute()
  return [...pickNearest(secrets, place.environment).values()]
    .map(({ name, current_version }) => ({ name, version: current_version }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
