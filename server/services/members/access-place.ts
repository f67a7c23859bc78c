import type { Stage } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import type { Place } from '../../governance/authorize.ts'
import { requireEnvironment } from '../environments/environment-views.ts'
import { stages } from '../messages.ts'

/** Where a permission is granted or asked about: a whole project, all environments of a stage, or one. */
export type NamedPlace =
  | { readonly kind: 'project'; readonly environment?: undefined }
  | { readonly kind: 'stage'; readonly stage: Stage; readonly environment: Required<Place>['environment'] }
  | { readonly kind: 'environment'; readonly environment: Required<Place>['environment'] }

const isStage = (text: string): text is Stage => Object.hasOwn(stages, text)

/**
 * What the text means in the project: an environment by its own or its branch's name, else a stage; empty: the
 * whole project. For a stage `environment` is one that no grant names. Throws `environment-not-found`.
 */
export async function findPlace(tx: Tx, project: { name: string }, text: string): Promise<NamedPlace> {
  if (!text) return { kind: 'project' }
  try {
    const { name, stage } = await requireEnvironment(tx, { project: project.name, environment: text })
    return { kind: 'environment', environment: { name, stage } }
  } catch (error) {
    if (!(error instanceof DomainError && error.kind === 'not-found') || !isStage(text)) throw error
    return { kind: 'stage', stage: text, environment: { name: '', stage: text } }
  }
}
