import { formatTime } from '../../../lib/words/times.ts'
import type { RehearsalRecord } from '../../db/record.ts'
import { deploymentOf } from '../../db/run-marks.ts'
import type { Operation } from '../../db/tenancy.ts'
import { hashSubject, recordAuthorization } from '../../governance/authorizations.ts'
import { durationMs } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { type ProtectedRequest, protect } from '../../governance/protect.ts'
import { deploySubject, describeDeploy, emailOf, subjectRehearsal } from '../../releases/subject.ts'
import type { Engine } from '../../runs/replay.ts'
import {
  type EnvironmentActions,
  type ReleaseActions,
  type RollbackGoal,
  TaskFailed,
} from '../../runs/types.ts'
import { requireAllowedBuilder } from './builders.ts'
import { requireReproduced } from './reproduce.ts'

type AuthorizationActions = Pick<ReleaseActions, 'authorizeDeploy' | 'authorizeRollback'> &
  Pick<EnvironmentActions, 'authorizeDestroy' | 'authorizeSwitch'>

/** A vote wakes the run; the end of a freeze and a changed policy are found by looking. */
const recheckMs = 5_000

/** Leave to touch production. Nothing that can harm it is asked of an agent before. */
export function authorizationActions(engine: Engine): AuthorizationActions {
  const { state } = engine
  const { tx, op, run, project, environment } = state
  const place = { projectId: project.id, environmentId: environment.id, runId: run.id }
  const deployment = deploymentOf(environment)
  const serving = deployment ? { run: deployment.runId, digest: deployment.digest } : null

  /** Waits for the verdict; meanwhile the run's own time stands still. */
  async function authorize(
    what: Pick<ProtectedRequest, 'action' | 'subject' | 'summary' | 'commitAuthor'> & {
      /** Throws when what it goes by holds no more. */
      readonly requireStill?: () => Promise<void>
    },
  ): Promise<void> {
    const { requireStill, ...asked } = what
    const { summary } = await engine.until(`authorized:${what.action}`, recheckMs, async () => {
      const requester = await findRequester(engine)
      await requireStill?.()
      const request = {
        ...asked,
        ...place,
        requestedBy: run.requested_by,
        requesterId: requester,
        requesterIssuers: run.requester_issuers,
      }
      const verdict = await protect(tx, op, request)
      switch (verdict.kind) {
        case 'authorized':
          await resumeClock(engine)
          state.authorizationId = verdict.authorizationId
          return { id: verdict.authorizationId, summary: verdict.explanation }
        case 'waiting':
          await stopClock(engine)
          await engine.progress(verdict.reason)
          return undefined
        case 'refused':
          throw new TaskFailed('not-authorized', verdict.reason)
      }
    })
    engine.summarize(summary)
  }

  return {
    async authorizeDeploy(plan, rehearsal) {
      if (rehearsal && rehearsal.planSha256 !== plan.sha256) {
        throw engine.changed('production is not what it was when this was rehearsed: release it again')
      }
      const rehearsed = rehearsal && subjectRehearsal(engine.record.rehearsalRunId ?? run.id, rehearsal)
      await authorize({
        action: 'production-deploy',
        subject: deploySubject(plan, rehearsed ?? null),
        summary: describeDeploy(plan),
        commitAuthor: emailOf(engine.record.commitAuthor ?? ''),
        requireStill: async () => {
          await requireYoung(engine, rehearsal)
          await requireAllowedBuilder(engine, plan.image.digest)
          await requireReproduced(engine, plan.image.digest)
        },
      })
    },

    async authorizeRollback(goal) {
      const { subject, buildNumber } = goal
      const now = deployment ? ` from build ${deployment.buildNumber}` : ''
      await authorize({
        action: 'rollback',
        subject,
        summary: `Roll ${project.name}/${environment.name} back${now} to build ${buildNumber}, ${dataOf(goal)}`,
      })
    },

    async authorizeDestroy() {
      const cells = await tx
        .selectFrom('cells')
        .select('id')
        .where('environment_id', '=', environment.id)
        .where('status', '<>', 'destroyed')
        // Clones of rehearsals come and go: an approval does not hang on them.
        .where('purpose', '=', 'environment')
        .orderBy('id')
        .execute()
      await authorize({
        action: 'production-destroy',
        subject: {
          project: project.name,
          environment: environment.name,
          action: 'production-destroy',
          cells: cells.map(({ id }) => id),
          serves: serving,
        },
        summary: `Destroy ${project.name}/${environment.name} and its data`,
      })
    },

    async authorizeSwitch(verb) {
      if (environment.stage !== 'production') return
      state.authorizationId = await engine.effect('authorized:switch', () =>
        permitSwitch(op, engine, `production-${verb}`, serving),
      )
    },
  }
}

/** Which data a rollback goes back with, and that there is no way back from it where there is none. */
function dataOf({ data, dirty, refusal }: RollbackGoal): string {
  if (!data) return `with the data as they are${refusal && `, forced although they may not fit: ${refusal}`}`
  const moment = data.takenAt ? ` of ${formatTime(data.takenAt)}` : ''
  const lost = dirty
    ? '; what is there now is between two states and no way back: no safety snapshot is taken of it'
    : ''
  return `with the data${moment} (snapshot ${data.id.slice(0, 8)})${lost}`
}

/** Nobody has to approve that production starts or stops; its tasks still carry an authorization. */
async function permitSwitch(
  op: Operation,
  { state }: Engine,
  action: string,
  serves: unknown,
): Promise<string> {
  const { tx, run, project, environment } = state
  const { version } = await policyInForce(tx, project.id)
  const subject = { project: project.name, environment: environment.name, action, serves }
  return await recordAuthorization(tx, op, {
    action,
    projectId: project.id,
    environmentId: environment.id,
    runId: run.id,
    subjectSha256: hashSubject(subject).sha256,
    policyVersion: version,
    basis: 'policy',
  })
}

/** Approvals and freezes take their time, and production is no longer what the rehearsal ran on. */
async function requireYoung(
  { state: { tx, project } }: Engine,
  rehearsal: RehearsalRecord | undefined,
): Promise<void> {
  if (!rehearsal) return
  const { maxAge } = (await policyInForce(tx, project.id)).document.rehearsal
  if (Date.now() - Date.parse(rehearsal.at) <= durationMs(maxAge)) return
  throw new TaskFailed(
    'rehearsal-too-old',
    `the rehearsal of ${rehearsal.at} is older than the policy (rehearsal.maxAge) allows, ${maxAge}: release it again`,
  )
}

/** The member who asked for the run, or pushed what a poll saw: by name, or by the e-mail address of a push. */
async function findRequester({ state: { tx, run } }: Engine): Promise<string | undefined> {
  const names = [run.pushed_by || run.requested_by, run.requester_email].map((name) =>
    name.replace(/^[a-z]+:/, ''),
  )
  const member = await tx
    .selectFrom('members')
    .select('id')
    .where((eb) =>
      eb(
        eb.fn<string>('lower', ['name']),
        'in',
        names.map((name) => name.toLowerCase()),
      ),
    )
    .orderBy('name')
    .executeTakeFirst()
  return member?.id
}

const stopped = 'clock-stopped'

async function stopClock(engine: Engine): Promise<void> {
  const { tx, run } = engine.state
  await engine.effect(stopped, async () => {
    const remainingMs = run.timeout_at ? Math.max(0, run.timeout_at.getTime() - Date.now()) : null
    await tx.updateTable('runs').set({ timeout_at: null }).where('id', '=', run.id).execute()
    return remainingMs
  })
}

async function resumeClock(engine: Engine): Promise<void> {
  const { tx, run, effects } = engine.state
  const remainingMs = effects.get(stopped)
  if (typeof remainingMs !== 'number') return
  const timeout_at = new Date(Date.now() + remainingMs)
  await tx.updateTable('runs').set({ timeout_at }).where('id', '=', run.id).execute()
}
