import type { Selectable } from 'kysely'
import type { AppContext } from '../../context.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { DomainError, wrongState } from '../../errors.ts'
import { type Policy, policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfBaseImage, imageRulesOf } from '../../governance/policy/supply.ts'
import { faultOfBuilders } from '../../releases/builders.ts'
import { type Candidate, requireCandidate } from '../../releases/candidate.ts'
import { faultOfGone } from '../../releases/changes.ts'
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
  /** Why it can't be released as things are. */
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
  const { environment, deployment } = production
  const plan = createPlan(
    {
      project: project.name,
      environment: environment.name,
      cellId: deployment.cellId,
      current: deployment,
    },
    candidate.source,
    candidate.image,
  )
  const blockers = [
    ...(isServed(deployment, plan) ? ['production runs this image already'] : []),
    faultOfGone(deployment, candidate.source),
    faultOfBaseImage(imageRulesOf(policy.document, odooImage), candidate.source.baseImage) ?? '',
    await faultOfBuilders(tx, project, candidate.image.digest, policy.document),
  ].filter(Boolean)
  return { project, production, candidate, plan, policy, blockers }
}

/** Variables are in no image: another value of one is a release as well. */
const isServed = ({ digest }: Production['deployment'], { image, document }: Plan): boolean =>
  digest === image.digest && document.requirements.every(({ kind }) => kind !== 'variable')

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

/** Throws `release-blocked`. */
export function requireUnblocked({ blockers }: PreparedPlan): void {
  if (blockers.length > 0)
    throw wrongState('release-blocked', `It can't be released: ${blockers.join('; ')}.`)
}
