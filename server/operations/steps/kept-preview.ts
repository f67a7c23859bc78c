import { randomUUID } from 'node:crypto'
import { environmentUrl } from '../../../lib/addresses/environment-url.ts'
import { audit } from '../../db/audit.ts'
import { expireKept, nameOfKept } from '../../db/kept-environments.ts'
import { marks } from '../../db/run-marks.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { durationMs } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { createDeployment } from '../../releases/deployment.ts'
import type { Engine } from '../../runs/replay.ts'
import { isFormer } from '../../runs/run-state.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { findKept, type KeptPreview } from './cell-home.ts'
import { hostnamesOf } from './hostnames.ts'
import { lookAtPasswords } from './password-look.ts'
import { requireProved } from './require-proved.ts'
import { secretRuntimeSpec } from './runtime-spec.ts'
import { secretActions } from './secrets.ts'
import { type EngineConfig, minutes } from './wording.ts'

type KeptActions = Pick<BuildActions, 'retireKept' | 'keepPreview' | 'openKept' | 'dropKept'>

/** What is left of a build whose tests failed: an environment of its own, which nothing but its cell ties to the branch's. */
export function keptActions(engine: Engine, config: EngineConfig): KeptActions {
  const { tx, op, run, project, environment } = engine.state
  const stage = run.stage as Stage
  const https = config.publicScheme === 'https'
  const hostnamesFor = ({ name }: KeptPreview) =>
    hostnamesOf({ stage, environment: name, project: project.name }, config)

  /** Whom Odoo's own passwords let in; it is opened all the same where the host could not look. */
  async function lookForPasswords(cellId: string): Promise<void> {
    try {
      await lookAtPasswords(engine, cellId, 'kept-passwords')
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error
      await engine.warn(`Whether somebody has the password of every Odoo is not known: ${error.message}`)
    }
  }

  async function enter(cellId: string, keptMs: number): Promise<KeptPreview> {
    const scope = { organization_id: run.organization_id, project_id: project.id }
    const host_id = run.host_id as string
    const until = new Date(Date.now() + keptMs)
    const name = await nameOfKept(tx, run)
    const { id: environmentId } = await tx
      .insertInto('environments')
      .values({
        ...scope,
        branch_id: environment.branch_id,
        name,
        stage,
        host_id,
        purpose: 'failed-build',
        failed_run_id: run.id,
        expires_at: until,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await tx.updateTable('cells').set({ environment_id: environmentId }).where('id', '=', cellId).execute()
    const { id: logStreamId } = await tx
      .insertInto('log_streams')
      .values({ ...scope, host_id, environment_id: environmentId, step: 'runtime' })
      .returning('id')
      .executeTakeFirstOrThrow()
    const runtimeId = randomUUID()
    return { cellId, environmentId, name, runtimeId, logStreamId, until: until.toISOString() }
  }

  return {
    async retireKept() {
      if (isFormer(engine.state)) return
      const kept = { purpose: 'failed-build', branchId: environment.branch_id } as const
      await engine.once('kept-retired', () =>
        expireKept(tx, op, kept, `build ${run.number} of its branch takes its place`),
      )
    },

    async keepPreview(cellId) {
      if (isFormer(engine.state)) return false
      const kept = await engine.effect<KeptPreview | null>(marks.keptPreview, async () => {
        const { document } = await policyInForce(tx, project.id)
        const time = stage === 'production' ? null : document.keepFailedPreviews
        return time === null ? null : await enter(cellId, durationMs(time))
      })
      return kept !== null
    },

    async openKept(source, image) {
      const kept = findKept(engine)
      if (!kept) throw new Error(`Run ${run.id} keeps no preview`)
      if (stage === 'staging') requireProved(engine)
      const { cellId, environmentId, runtimeId, logStreamId, name, until } = kept
      const hostnames = hostnamesFor(kept)
      // Those of the branch's environment: it is the same code on the same data.
      const secrets = await secretActions(engine).current(`kept:${runtimeId}`)
      const place = { runId: run.id, cellId, runtimeId, logStreamId, hostnames, secrets }
      const deployment = createDeployment(source, image, place)
      await engine.task(
        `start:${runtimeId}`,
        'startRuntime',
        { runtime: secretRuntimeSpec(engine, deployment) },
        { timeoutMs: minutes(10) },
      )
      await lookForPasswords(cellId)
      const { port } = await engine.task(
        `route:${runtimeId}`,
        'switchRoute',
        { environmentId, hostnames, https, target: { case: 'runtimeId', value: runtimeId } },
        { timeoutMs: minutes(2) },
      )
      const url = environmentUrl(hostnames[0] ?? '', { https, port })
      await engine.once('kept-open', async () => {
        await tx
          .updateTable('environments')
          .set({
            status: 'running',
            cell_id: cellId,
            url,
            deployment: JSON.stringify(deployment),
            updated_at: new Date(),
          })
          .where('id', '=', environmentId)
          .execute()
        await tx.updateTable('cells').set({ status: 'active' }).where('id', '=', cellId).execute()
        const subject = { kind: 'environment', id: environmentId, projectId: project.id }
        await audit(tx, op, 'environment.keep', subject, {
          environment: name,
          stage,
          of: environment.name,
          runId: run.id,
          buildNumber: run.number,
          cellId,
          url,
          until,
        })
      })
      await engine.note({ kept: { environment: name, environmentId, url, until } })
    },

    async dropKept() {
      const kept = findKept(engine)
      if (!kept) return
      const { environmentId, runtimeId } = kept
      await engine.task(
        'kept-route-remove',
        'switchRoute',
        { environmentId, hostnames: hostnamesFor(kept), target: { case: 'remove', value: true } },
        { timeoutMs: minutes(2) },
      )
      await engine.task(
        `remove:${runtimeId}`,
        'stopRuntime',
        { runtimeId, remove: true },
        { timeoutMs: minutes(5) },
      )
      const now = new Date()
      await engine.once(marks.keptDropped, () =>
        tx
          .updateTable('environments')
          .set({ status: 'destroyed', destroyed_at: now, updated_at: now, cell_id: null, deployment: null })
          .where('id', '=', environmentId)
          .execute(),
      )
    },
  }
}
