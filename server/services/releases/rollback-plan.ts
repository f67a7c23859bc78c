import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type RollbackPlan, RollbackPlanSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { Production } from '../../releases/production.ts'
import { listReleaseRows } from '../../releases/release-rows.ts'
import { planRollback as planOf, type RollbackTarget, requireTarget } from '../../releases/rollback.ts'
import { requireProject } from '../projects/projects.ts'
import { requireProduction } from './prepared-plan.ts'
import { seenAtOf, servedImage } from './release-messages.ts'

export interface WantedRollback {
  readonly project: string
  /** 0: the one before the current. */
  readonly toBuild: number
  readonly withData: boolean
}

export interface PreparedRollback {
  readonly project: { readonly id: string; readonly name: string }
  readonly production: Production
  readonly target: RollbackTarget
}

/** Throws `project-not-found`, `no-production`, `no-release`, `release-gone`, `no-data-to-restore`. */
export async function prepareRollback(
  tx: Tx,
  { project: name, toBuild, withData }: WantedRollback,
): Promise<PreparedRollback> {
  const project = await requireProject(tx, name)
  const production = await requireProduction(tx, project)
  const releases = await listReleaseRows(tx, production.environment.id)
  const target = planOf(
    { project: project.name, production },
    releases,
    requireTarget(releases, toBuild),
    withData,
  )
  return { project, production, target }
}

/** What going back would do, from what is on record. Throws what prepareRollback throws. */
export async function planRollback(
  { db }: AppContext,
  caller: Caller,
  wanted: WantedRollback,
): Promise<RollbackPlan> {
  return await withTenant(db, caller, async (tx) => {
    const { project, production, target } = await prepareRollback(tx, wanted)
    const { data, changes } = target
    return create(RollbackPlanSchema, {
      project: project.name,
      environment: production.environment.name,
      current: servedImage(production.deployment),
      target: servedImage(target.deployment),
      withData: data !== undefined,
      updates: [...changes.update],
      refusal: target.refusal,
      dataFrom: data && timestampFromDate(data.takenAt),
      sha256: target.sha256,
      databaseSeenAt: seenAtOf(production),
      hints: hintsOf(production, target),
    })
  })
}

function hintsOf(
  { seen }: Pick<Production, 'seen'>,
  { release, changes: { update }, data }: RollbackTarget,
): string[] {
  if (data) return []
  return [
    ...(update.length > 0
      ? [`build ${release.build_number} loads ${update.join(', ')} again: production is away meanwhile`]
      : []),
    ...(seen
      ? []
      : [
          'no host has looked into production’s database yet: this goes by what the last release meant it to have. The ' +
            'rollback looks first, and ends without doing anything where that shows something else',
        ]),
  ]
}
