import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type RollbackPlan, RollbackPlanSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { Production } from '../../releases/production.ts'
import { listReleaseRows } from '../../releases/release-rows.ts'
import {
  planRollback as planOf,
  planRestore,
  type RollbackTarget,
  requireTarget,
} from '../../releases/rollback.ts'
import { listSnapshots, requireSafetySnapshot } from '../../releases/safety-snapshots.ts'
import { requireProject } from '../projects/projects.ts'
import { requireProduction } from './prepared-plan.ts'
import { seenAtOf, servedImage } from './release-messages.ts'

export interface WantedRollback {
  readonly project: string
  /** 0: the one before the current. */
  readonly toBuild: number
  readonly withData: boolean
  /** Puts a safety snapshot back instead: that one, or the newest where it is empty. */
  readonly snapshotId?: string | undefined
}

export interface PreparedRollback {
  readonly project: { readonly id: string; readonly name: string }
  readonly production: Production
  readonly target: RollbackTarget
}

/**
 * Throws `project-not-found`, `no-production`, `no-release`, `release-gone`, `no-data-to-restore`, `dirty`,
 * `snapshot-not-found`.
 */
export async function prepareRollback(
  tx: Tx,
  { project: name, toBuild, withData, snapshotId }: WantedRollback,
): Promise<PreparedRollback> {
  const project = await requireProject(tx, name)
  const production = await requireProduction(tx, project)
  const releases = await listReleaseRows(tx, production.environment.id)
  const place = { project: project.name, production }
  if (snapshotId !== undefined) {
    const snapshots = await listSnapshots(tx, production.environment)
    const snapshot = requireSafetySnapshot(snapshots, snapshotId, project.name)
    return { project, production, target: planRestore(place, releases, snapshot) }
  }
  return { project, production, target: planOf(place, releases, requireTarget(releases, toBuild), withData) }
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
      snapshotId: data?.snapshotId ?? '',
      dirtySince: production.dirtySince && timestampFromDate(production.dirtySince),
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
