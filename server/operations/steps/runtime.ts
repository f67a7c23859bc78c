import { randomUUID } from 'node:crypto'
import { environmentUrl } from '../../../lib/addresses/environment-url.ts'
import { formatDuration } from '../../../lib/words/durations.ts'
import type { Deployment } from '../../db/record.ts'
import { hasGoneLive, marks, servedBefore } from '../../db/run-marks.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { createDeployment } from '../../releases/deployment.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions, EnvironmentActions } from '../../runs/types.ts'
import { runKinds } from '../kinds.ts'
import { auditEnvironment } from './audit-environment.ts'
import { faultOfRules } from './branch-rules.ts'
import { contentsOnceLive } from './contents.ts'
import { hostnamesOf } from './hostnames.ts'
import { logRulesOf } from './log-rules.ts'
import { issueRecord } from './observation.ts'
import { mostLogins } from './password-look.ts'
import { recordRelease } from './record-release.ts'
import { runtimeSpec, secretRuntimeSpec } from './runtime-spec.ts'
import { secretActions } from './secrets.ts'
import { voidOvertaken } from './void-requests.ts'
import { type EngineConfig, inspectionOf, minutes } from './wording.ts'

type RuntimeActions = Pick<
  BuildActions,
  'candidate' | 'candidateAgain' | 'startRuntime' | 'smoke' | 'goLive' | 'maintenance' | 'removeRuntime'
> &
  Pick<EnvironmentActions, 'startCurrent' | 'routeToCurrent'> & {
    readonly current: Deployment | undefined
    /** With the secrets as they are now, which the environment then runs with. */
    startCurrentAnew(): Promise<void>
    stopCurrent(options: { withDatabase: boolean }): Promise<void>
  }

/** Requests that are under way when a runtime goes may take this long to end. */
const drainSeconds = 60
/** Containers of Odoo and the route to them. */
export function runtimeActions(engine: Engine, config: EngineConfig): RuntimeActions {
  const { tx, run, project, environment } = engine.state
  const stage = environment.stage as Stage
  const current = servedBefore(engine.state)
  const given = secretActions(engine)
  const https = config.publicScheme === 'https'

  function requireCurrent(): Deployment {
    if (!current) throw new Error(`Environment ${environment.id} serves nothing`)
    return current
  }

  const startTask = (
    key: string,
    deployment: Deployment,
    more: ReturnType<typeof inspectionOf> & { readonly alone?: true },
  ) =>
    engine.task(
      key,
      'startRuntime',
      { runtime: secretRuntimeSpec(engine, deployment), ...more },
      { timeoutMs: minutes(10) },
    )

  /** Once the candidate is live, nobody else is on the cell of what served before. */
  function besideCandidate() {
    const { effects } = engine.state
    const candidate = effects.get(marks.candidate) as { readonly runtimeId: string } | undefined
    if (!current || !candidate || !hasGoneLive(effects)) return {}
    return { aloneInCellId: current.cellId, keepRuntimeId: candidate.runtimeId }
  }

  /** Names of the containers and the log of what would serve next, and the secrets as they are now. */
  async function newRuntime() {
    const ids = await engine.effect(marks.candidate, async () => {
      const runtimeId = randomUUID()
      const logStreamId = randomUUID()
      await tx
        .insertInto('log_streams')
        .values({
          id: logStreamId,
          organization_id: run.organization_id,
          project_id: project.id,
          host_id: run.host_id as string,
          environment_id: environment.id,
          step: 'runtime',
        })
        .execute()
      return { runtimeId, logStreamId }
    })
    return { ...ids, secrets: await given.current(ids.runtimeId) }
  }

  /** From the production branch alone: no other commit may say what becomes production. */
  async function takeOverBranchRules(rules: Deployment['branchRules']): Promise<void> {
    if (rules.length === 0) return
    const fault = faultOfRules(rules, engine.state.branch?.name ?? '')
    if (fault) return engine.warn(`the branch rules of fairway.yaml were not taken over: ${fault}`)
    await engine.once('branch-rules', () =>
      tx
        .updateTable('projects')
        .set({ branch_rules: JSON.stringify(rules), branch_rules_from: 'file' })
        .where('id', '=', project.id)
        .execute(),
    )
  }

  return {
    current,

    candidate: async (cellId, source, image) =>
      createDeployment(source, image, {
        ...(await newRuntime()),
        cellId,
        runId: run.id,
        hostnames: hostnamesOf({ stage, environment: environment.name, project: project.name }, config),
      }),

    candidateAgain: async (cellId, former) => ({
      ...former,
      ...(await newRuntime()),
      cellId,
      runId: run.id,
      hostnames: hostnamesOf({ stage, environment: environment.name, project: project.name }, config),
    }),

    async startRuntime(candidate, look) {
      const output = await startTask(`start:${candidate.runtimeId}`, candidate, inspectionOf(look, candidate))
      engine.summarize(`Odoo answered after ${formatDuration(Number(output.durationMs))}`)
    },

    async smoke(candidate, look) {
      const output = await engine.task(
        'smoke',
        'smoke',
        {
          runtime: runtimeSpec(engine, candidate),
          checks: candidate.smokeChecks.map((check) => ({ ...check })),
          hostnames: [...candidate.hostnames],
          ...inspectionOf(look, candidate),
          log: await logRulesOf(engine, candidate.knownLog ?? [], { trial: false }),
        },
        { timeoutMs: minutes(10) },
      )
      await engine.note({
        smoke: output.checks.map(({ name, passed, detail }) => ({ name, passed, detail })),
        ...(output.log && { logIssues: output.log.issues.map(issueRecord) }),
        ...(output.defaultPasswords && {
          defaultLogins: output.defaultPasswords.logins.slice(0, mostLogins),
        }),
      })
      engine.summarize(`${output.checks.length} checks passed`)
    },

    async goLive(candidate, standing) {
      const output = await engine.task(
        `route:${candidate.runtimeId}`,
        'switchRoute',
        {
          environmentId: environment.id,
          hostnames: [...candidate.hostnames],
          https,
          target: { case: 'runtimeId', value: candidate.runtimeId },
        },
        { timeoutMs: minutes(2), uninterruptible: true },
      )
      const url = environmentUrl(candidate.hostnames[0] ?? '', { https, port: output.port })
      await engine.once(marks.live, async () => {
        // What served before the switch; the pipeline goes on to clean it up, also in later replays.
        await engine.effect(marks.before, async () => current ?? null)
        await tx
          .updateTable('environments')
          .set({
            status: 'running',
            host_id: run.host_id,
            cell_id: candidate.cellId,
            url,
            deployment: JSON.stringify(candidate),
            contents: contentsOnceLive(engine.record.contents, standing ? candidate.cellId : null),
            updated_at: new Date(),
          })
          .where('id', '=', environment.id)
          .execute()
        await tx
          .updateTable('cells')
          .set({
            status: 'active',
            // Data and deployment belong together from here on.
            dirty_since: null,
            default_logins: engine.record.defaultLogins?.slice() ?? null,
            passwords_looked_at: engine.record.defaultLogins ? new Date() : null,
          })
          .where('id', '=', candidate.cellId)
          .execute()
        if (stage === 'production') await recordRelease(engine, candidate)
        await voidOvertaken(engine)
        await auditEnvironment(engine, 'environment.deploy', {
          url,
          commit: candidate.commit,
          image: candidate.image,
          digest: candidate.digest,
          cellId: candidate.cellId,
          ...(current && { replaces: { runId: current.runId, digest: current.digest } }),
        })
      })
      await engine.note({
        url,
        cellId: candidate.cellId,
        ...downtimeOf(engine, `route:${candidate.runtimeId}`),
      })
      // A release branch says nothing about which branch is production.
      if (stage === 'production' && runKinds[run.kind].image === 'makes')
        await takeOverBranchRules(candidate.branchRules)
    },

    async maintenance(text, retryAfterSeconds) {
      await engine.task(
        'route-maintenance',
        'switchRoute',
        {
          environmentId: environment.id,
          hostnames: [...requireCurrent().hostnames],
          https,
          target: { case: 'maintenance', value: { message: text, retryAfterSeconds } },
        },
        { timeoutMs: minutes(2) },
      )
    },

    async removeRuntime(runtimeId) {
      await engine.task(
        `remove:${runtimeId}`,
        'stopRuntime',
        { runtimeId, remove: true, drainSeconds, ...besideCandidate() },
        { timeoutMs: minutes(5) },
      )
    },

    async stopCurrent({ withDatabase }) {
      const { runtimeId, cellId } = requireCurrent()
      await engine.task(
        'stop-current',
        'stopRuntime',
        { runtimeId, remove: false, stopCellId: withDatabase ? cellId : '', aloneInCellId: cellId },
        { timeoutMs: minutes(5) },
      )
    },

    async startCurrent() {
      const deployment = requireCurrent()
      const secrets = await given.former('start-current', deployment.secrets ?? [])
      await startTask('start-current', { ...deployment, secrets }, { alone: true })
    },

    async startCurrentAnew() {
      const deployment = { ...requireCurrent(), secrets: await given.current('start-current') }
      await startTask('start-current', deployment, { alone: true })
      await engine.once('started-anew', () =>
        tx
          .updateTable('environments')
          .set({ deployment: JSON.stringify(deployment), updated_at: new Date() })
          .where('id', '=', environment.id)
          .execute(),
      )
    },

    async routeToCurrent() {
      const { runtimeId, hostnames } = requireCurrent()
      await engine.task(
        'route-current',
        'switchRoute',
        {
          environmentId: environment.id,
          hostnames: [...hostnames],
          https,
          target: { case: 'runtimeId', value: runtimeId },
        },
        { timeoutMs: minutes(2) },
      )
      await engine.note(downtimeOf(engine, 'route-current'))
    },
  }
}

/** How long visitors had the maintenance page, by the host's answers. */
function downtimeOf({ state: { tasks } }: Engine, routeKey: string): { downtimeMs?: number } {
  const from = tasks.get('route-maintenance')?.finished_at
  const until = tasks.get(routeKey)?.finished_at
  return from && until ? { downtimeMs: until.getTime() - from.getTime() } : {}
}
