import type { Selectable } from 'kysely'
import type { AppContext } from '../../context.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { DomainError, wrongState } from '../../errors.ts'
import { type Policy, policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfBaseImage, imageRulesOf } from '../../governance/policy/supply.ts'
import { faultOfBuilders } from '../../releases/builders.ts'
import { type Candidate, requireCandidate } from '../../releases/candidate.ts'
import { faultOfGone, isEmpty } from '../../releases/changes.ts'
import { contentsOf } from '../../releases/contents.ts'
import { dirtyText } from '../../releases/dirty.ts'
import { createPlan, type Plan } from '../../releases/plan.ts'
import { findProduction, type Production } from '../../releases/production.ts'
import { requireProject } from '../projects/projects.ts'

/** What a release of a branch would be, as of now. */
export interface PreparedPlan {
  readonly project: Selectable<ProjectsTable>
  readonly production: Production
  readonly candidate: Candidate
  readonly plan: Plan
  readonly policy: Policy
  /** What has left the code and is installed, as far as is on record; empty: nothing. A run looks anew. */
  readonly gone: string
  /** Why else it can't be released as things are. */
  readonly blockers: readonly string[]
}

/** Throws `project-not-found`, `no-production`, `no-candidate`, `candidate-unclear`, `stage-unresolved`. */
export async function preparePlan(
  tx: Tx,
  { odooImage }: Pick<AppContext['config'], 'odooImage'>,
  ref: { project: string; branch: string },
): Promise<PreparedPlan> {
  const project = await requireProject(tx, ref.project)
  const production = await requireProduction(tx, project)
  const candidate = await requireCandidate(tx, project, ref.branch)
  const policy = await policyInForce(tx, project.id)
  const { environment, deployment, seen } = production
  const plan = createPlan(
    {
      project: project.name,
      environment: environment.name,
      cellId: deployment.cellId,
      current: deployment,
      contents: contentsOf(deployment, seen),
    },
    candidate.source,
    candidate.image,
  )
  const blockers = [
    production.dirtySince ? dirtyText(project.name, production.dirtySince) : '',
    ...(isServed(deployment, plan) ? ['production runs this image already'] : []),
    faultOfBaseImage(imageRulesOf(policy.document, odooImage), candidate.source.baseImage) ?? '',
    await faultOfBuilders(tx, project, candidate.image.digest, policy.document),
  ].filter(Boolean)
  const gone = faultOfGone(plan.changes)
  return { project, production, candidate, plan, policy, gone, blockers }
}

/**
 * Variables are in no image: another value of one is a release as well. So is what the image would do to a database that
 * people have changed.
 */
const isServed = ({ digest }: Production['deployment'], { image, document, changes }: Plan): boolean =>
  digest === image.digest &&
  isEmpty(changes) &&
  document.requirements.every(({ kind }) => kind !== 'variable')

/** Throws `no-production`. */
export async function requireProduction(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
): Promise<Production> {
  const production = await findProduction(tx, project.id)
  if (production) return production
  throw wrongState(
    'no-production',
    `Nothing is live in ${project.name}'s production yet: push its branch first.`,
  )
}

/** Throws `plan-changed` unless it is the plan that the caller has seen; nothing seen is fine. */
export function requireSeen(seen: string, sha256: string, look: string): void {
  if (seen === '' || seen.toLowerCase() === sha256) return
  throw new DomainError(
    'changed',
    'plan-changed',
    `What would happen is not what you were shown (its hash is ${sha256}). Look again: ${look}`,
  )
}

/** All that keeps it from being released. */
export const blockersOf = ({ project, candidate, gone, blockers }: PreparedPlan): string[] => [
  ...(gone
    ? [
        `${gone} After that have production looked at: fairway release rehearse ${project.name} ${candidate.branch}`,
      ]
    : []),
  ...blockers,
]

/** Throws `release-blocked`. */
export function requireUnblocked(blockers: readonly string[]): void {
  if (blockers.length > 0)
    throw wrongState('release-blocked', `It can't be released: ${blockers.join('; ')}.`)
}
