import { isDeepStrictEqual } from 'node:util'
import { servedBefore } from '../../db/run-marks.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfGone } from '../../releases/changes.ts'
import { createPlan, type Plan } from '../../releases/plan.ts'
import { listKnownIssues } from '../../releases/production.ts'
import { findRehearsal, findRehearsalOfRun } from '../../releases/rehearsals.ts'
import { judge } from '../../releases/verdict.ts'
import type { Engine } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { promoteRun } from '../promote/definition.ts'
import { requireAllowedBase } from './base-image.ts'
import { requireAllowedBuilder } from './builders.ts'
import { lookAtContents } from './contents.ts'
import type { EngineConfig } from './wording.ts'

type PlanActions = Pick<BuildActions, 'plan' | 'findRehearsal' | 'judgeRehearsal' | 'failRehearsal'>

/** What would happen to production, and what trying it showed. */
export function planActions(engine: Engine, { odooImage }: EngineConfig): PlanActions {
  const { tx, run, project, environment } = engine.state

  return {
    async plan(source, image) {
      const current = servedBefore(engine.state)
      const contents = current && (await lookAtContents(engine, current, 'plan'))
      const { baseImage } = source
      await requireAllowedBase(engine, { key: 'base-image-of-plan', baseImage, odooImage })
      await engine.once('builder-allowed', () => requireAllowedBuilder(engine, image.digest))
      const place = {
        project: project.name,
        environment: environment.name,
        cellId: current ? current.cellId : null,
        current,
      }
      const shown = run.kind === promoteRun.kind ? promoteRun.input(run).planSha256 : undefined
      const make = () => {
        const plan = createPlan({ ...place, contents }, source, image)
        const gone = faultOfGone(plan.changes)
        if (gone) throw new TaskFailed('module-gone', gone)
        // Asked for when nobody had looked, it went by what was meant: to look changes nothing, where as much is to be done.
        const isShown = () => {
          if (shown === plan.sha256) return true
          const meant = createPlan(place, source, image)
          return shown === meant.sha256 && isDeepStrictEqual(meant.changes, plan.changes)
        }
        if (shown && !isShown()) {
          throw engine.changed(
            'production is not what it was when this was asked for: look at the plan again (fairway release plan)',
          )
        }
        const { changes, document, sha256, text } = plan
        return { changes, document, sha256, text }
      }
      const plan: Plan = { source, image, contents, ...(await engine.decide('plan', make)) }
      await engine.note({
        plan: plan.text,
        planSha256: plan.sha256,
        digest: image.digest,
        image: image.reference,
        lockSha256: source.lockSha256,
        requirements: source.requirements,
      })
      return plan
    },

    async findRehearsal(plan) {
      const found = await engine.effect('rehearsal', async () => {
        const { document } = await policyInForce(tx, project.id)
        const { required } = document.rehearsal
        // What was approved goes by the rehearsal that the approvers saw.
        const known =
          (await findRehearsalOfRun(tx, run.id, plan.sha256, document)) ??
          (await findRehearsal(tx, project.id, plan.sha256, document))
        return { required, known: known ? { runId: known.runId, rehearsal: known.rehearsal } : null }
      })
      if (!found.known) return { required: found.required }
      await engine.note({ rehearsal: found.known.rehearsal, rehearsalRunId: found.known.runId })
      return { required: found.required, known: found.known.rehearsal }
    },

    async judgeRehearsal(plan, measured) {
      const rehearsal = await engine.effect('rehearsal-verdict', async () => {
        const { document } = await policyInForce(tx, project.id)
        const known = await listKnownIssues(tx, environment.id)
        return {
          planSha256: plan.sha256,
          digest: plan.image.digest,
          ...measured,
          ...judge(measured, document, known),
          at: new Date().toISOString(),
        }
      })
      await engine.note({ rehearsal })
      return rehearsal
    },

    async failRehearsal(plan, reason, update) {
      // A red verdict is on record already.
      if (engine.record.rehearsal) return
      await engine.note({
        rehearsal: {
          planSha256: plan.sha256,
          digest: plan.image.digest,
          verdict: 'red',
          reasons: [reason],
          downtimeMs: 0,
          sourceTime: engine.record.clone?.sourceTime ?? '',
          ...(update && { update }),
          newIssues: [],
          at: '',
        },
      })
    },
  }
}
