import { create } from '@bufbuild/protobuf'
import { formatTime } from '../../../lib/words/times.ts'
import { type ReleasePlan, ReleasePlanSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { livingStatuses } from '../../governance/approvals/state.ts'
import type { Caller } from '../../governance/authorize.ts'
import { frozenAt } from '../../governance/policy/freeze.ts'
import { isEmpty, mustRehearse } from '../../releases/changes.ts'
import { interrupts } from '../../releases/plan.ts'
import { lacksBump } from '../../releases/planned-modules.ts'
import { findRehearsal, type Rehearsed } from '../../releases/rehearsals.ts'
import { readDeploySubject } from '../../releases/subject.ts'
import { approvalMessage, requireApproval } from '../governance/approval-views.ts'
import { blockersOf, type PreparedPlan, preparePlan } from './prepared-plan.ts'
import {
  candidateImage,
  rehearsalMessage,
  schemaMessages,
  seenAtOf,
  servedImage,
} from './release-messages.ts'

/** What a release would change, from what is on record. Throws what preparePlan throws. */
export async function planRelease(
  { config, db }: AppContext,
  caller: Caller,
  ref: { project: string; branch: string },
): Promise<ReleasePlan> {
  return await withTenant(db, caller, async (tx) => {
    const prepared = await preparePlan(tx, config, ref)
    const { project, plan, production, candidate, policy } = prepared
    const rehearsed = await findRehearsal(tx, project.id, plan.sha256, policy.document)
    const { document } = plan
    return create(ReleasePlanSchema, {
      project: project.name,
      environment: production.environment.name,
      branch: candidate.branch,
      candidate: candidateImage(candidate),
      current: servedImage(production.deployment),
      modules: document.modules.map((module) => ({
        name: module.name,
        action: module.action,
        why: module.why,
        versionBefore: module.before,
        versionAfter: module.after,
        missingBump: lacksBump(module),
      })),
      closureAdded: [...document.closure.added],
      closureRemoved: [...document.closure.removed],
      requirements: document.requirements.map((change) => ({ ...change })),
      schema: schemaMessages(candidate.update?.schema),
      sha256: plan.sha256,
      interrupts: interrupts(plan),
      blockers: blockersOf(prepared),
      hints: await hintsOf(tx, prepared, rehearsed),
      rehearsal: rehearsed && rehearsalMessage(rehearsed.runId, rehearsed.finishedAt, rehearsed.rehearsal),
      approval: await findRequest(tx, caller, prepared),
      databaseSeenAt: seenAtOf(production),
    })
  })
}

async function findRequest(tx: Tx, caller: Caller, { production, plan }: PreparedPlan) {
  const rows = await tx
    .selectFrom('approvals')
    .select(['id', 'subject'])
    .where('environment_id', '=', production.environment.id)
    .where('action', '=', 'production-deploy')
    .where('status', 'in', livingStatuses)
    .orderBy('created_at', 'desc')
    .execute()
  const found = rows.find(({ subject }) => readDeploySubject(subject).plan === plan.sha256)
  return found && (await approvalMessage(tx, caller, await requireApproval(tx, found.id)))
}

async function hintsOf(
  tx: Tx,
  { project, candidate, production, plan, policy }: PreparedPlan,
  rehearsed: Rehearsed | undefined,
): Promise<string[]> {
  const hints: string[] = []
  const frozen = frozenAt(policy.document.freeze, 'production-deploy', new Date())
  if (frozen) {
    hints.push(
      `production is frozen until ${formatTime(frozen.until)} (freeze "${frozen.window}"): what is approved waits for that`,
    )
  }
  if (!production.seen) {
    hints.push(
      'no host has looked into production’s database yet: this goes by what the last release meant it to have. Have it ' +
        `looked at: fairway release rehearse ${project.name} ${candidate.branch}`,
    )
  }
  const bumps = plan.document.modules.filter(lacksBump).map(({ name }) => name)
  if (bumps.length > 0) {
    hints.push(
      `${bumps.join(', ')}: the content changed and the version did not; it is updated all the same, but scripts in migrations/ run only for a new version`,
    )
  }
  if (
    !isEmpty(plan.changes) &&
    !rehearsed &&
    mustRehearse(plan.changes, policy.document.rehearsal.required)
  ) {
    hints.push(
      'its release rehearses it first; to see what comes of that before anybody is asked: ' +
        `fairway release rehearse ${project.name} ${candidate.branch}`,
    )
  }
  const main = await tx
    .selectFrom('branches')
    .select(['name', 'head_commit'])
    .where('id', '=', production.environment.branch_id)
    .executeTakeFirst()
  if (main && main.head_commit !== candidate.source.commit) {
    hints.push(
      `merge ${candidate.branch} into ${main.name} afterwards: the next push of ${main.name} would take back what is not in it`,
    )
  }
  return hints
}
