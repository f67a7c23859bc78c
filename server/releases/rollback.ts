import type { Deployment } from '../db/record.ts'
import { DomainError, wrongState } from '../errors.ts'
import { hashSubject } from '../governance/authorizations.ts'
import { type Code, changedAddons, goneModules, isEmpty, type ModuleChanges } from './changes.ts'
import { type Contents, contentsOf } from './contents.ts'
import { dirtyText } from './dirty.ts'
import type { Production } from './production.ts'
import type { ReleaseRow } from './release-rows.ts'
import type { SafetySnapshot } from './safety-snapshots.ts'
import { changedSince, findBefore, nextChange } from './undone.ts'

/** Where a rollback goes, and what it takes. */
export interface RollbackTarget {
  readonly release: ReleaseRow
  readonly deployment: Deployment
  /** What the older code has to load again into the data as they are. */
  readonly changes: ModuleChanges
  /** The data it goes back to; undefined: they stay as they are. */
  readonly data: { readonly snapshotId: string; readonly takenAt: Date } | undefined
  /** Why it is not done without being forced; empty: it is. */
  readonly refusal: string
  /** Exactly what would happen, and its hash. */
  readonly subject: Readonly<Record<string, unknown>>
  readonly sha256: string
}

/** The newest release of that build that is not served now; 0: what was served before. Throws `no-release`. */
export function requireTarget(releases: readonly ReleaseRow[], toBuild: number): ReleaseRow {
  const [current, ...former] = releases
  const target = toBuild ? former.find((release) => release.build_number === toBuild) : findBefore(releases)
  if (target) return target
  if (toBuild && current?.build_number === toBuild) {
    throw wrongState('no-release', `Production runs build ${toBuild} already.`)
  }
  const others = former.filter(({ build_number }) => build_number !== current?.build_number)
  const builds = [...new Set((toBuild ? former : others).map(({ build_number }) => build_number))].join(', ')
  throw wrongState(
    'no-release',
    toBuild
      ? `Build ${toBuild} never went live in production. It was: ${builds || 'none before the current one'}.`
      : 'Nothing was live before what production runs now: there is nothing to go back to.' +
          (builds ? ` To go to one that was live later, name it: --to BUILD, of ${builds}.` : ''),
  )
}

interface Place {
  readonly project: string
  readonly production: Production
}

/** Throws DomainError `release-gone`, `no-data-to-restore`, `dirty`. */
export function planRollback(
  place: Place,
  releases: readonly ReleaseRow[],
  target: ReleaseRow,
  withData: boolean,
): RollbackTarget {
  return goBack(place, releases, target, withData ? dataOf(releases, target) : undefined)
}

/**
 * A safety snapshot goes back, whatever became of the release that it was taken for, and with it the code that was served
 * when it was taken. Throws `no-release`.
 */
export function planRestore(
  place: Place,
  releases: readonly ReleaseRow[],
  { id, takenAt, createdAt }: Pick<SafetySnapshot, 'id' | 'takenAt' | 'createdAt'>,
): RollbackTarget {
  const target = servedAt(releases, createdAt)
  if (!target)
    throw wrongState('no-release', 'What production served when that snapshot was taken is not on record.')
  return goBack(place, releases, target, { snapshotId: id, takenAt })
}

/** What production served at a moment. */
export const servedAt = (releases: readonly ReleaseRow[], moment: Date): ReleaseRow | undefined =>
  releases.find(({ went_live_at }) => went_live_at <= moment)

function goBack(
  place: Place,
  releases: readonly ReleaseRow[],
  target: ReleaseRow,
  data: RollbackTarget['data'],
): RollbackTarget {
  const { environment, deployment: current, seen, dirtySince } = place.production
  if (dirtySince && !data)
    throw wrongState('dirty', `Not without data: ${dirtyText(place.project, dirtySince)}.`)
  const contents = contentsOf(current, seen)
  const changes = data ? { install: [], update: [] } : reloads(contents, target.deployment)
  const refusal = data
    ? ''
    : lackOf(contents, target) ||
      (isEmpty(changes) ? '' : refusalOf(current, contents, target, changedSince(releases, target)))
  const subject = {
    project: place.project,
    environment: environment.name,
    action: 'rollback',
    to: { release: target.number, build: target.build_number, digest: target.digest },
    replaces: { run: current.runId, digest: current.digest },
    cell: environment.cell_id,
    data: data ? { snapshot: data.snapshotId, takenAt: data.takenAt.toISOString() } : null,
    // Nothing of what is there now is kept to go back to.
    ...(dirtySince && { fromDirty: true }),
    // Not all that is installed: what has no part in it may change meanwhile.
    update: [...changes.update],
    ...(refusal && { refusal }),
  }
  return {
    release: target,
    deployment: target.deployment,
    changes,
    data,
    refusal,
    subject,
    sha256: hashSubject(subject).sha256,
  }
}

/** Whether a rollback can take the data back to how they were when that release was replaced. */
export function keepsData(releases: readonly ReleaseRow[], target: ReleaseRow): boolean {
  return nextChange(releases, target)?.snapshot?.kept ?? false
}

/** The data as they were when something newer began to change them. */
function dataOf(releases: readonly ReleaseRow[], target: ReleaseRow): RollbackTarget['data'] {
  const next = nextChange(releases, target)
  if (next && !next.snapshot) {
    throw wrongState(
      'no-data-to-restore',
      `What build ${target.build_number} served last is not kept: the data were between two states when release ` +
        `${next.number} put others in their place. Put one of those back that are: fairway release restore.`,
    )
  }
  if (!next?.snapshot) {
    throw wrongState(
      'no-data-to-restore',
      `No release since build ${target.build_number} has updated the data: go back without --with-data.`,
    )
  }
  const { id, kept, takenAt } = next.snapshot
  if (!kept || !takenAt) {
    throw new DomainError(
      'wrong-state',
      'release-gone',
      `The data of before release ${next.number} are no longer kept (rollback.releases of the policy): ` +
        'go back without --with-data, or restore a backup.',
    )
  }
  return { snapshotId: id, takenAt }
}

/** As a release does: by content. */
function reloads(contents: Contents, target: Deployment): ModuleChanges {
  if (contents.baseImage !== target.baseImage) return { install: [], update: ['base'] }
  return { install: [], update: changedAddons(contents, codeOf(target)) }
}

/** Not `modules`: what once stayed in data that a rollback kept is named there as well, and has no code. */
const codeOf = ({ addonTrees, imageModules }: Deployment): Code => ({ addonTrees, imageModules })

/** Own modules whose code the older image does not have: Odoo would serve their data without it. */
const lackOf = (contents: Contents, { deployment }: ReleaseRow): string =>
  installedSince(goneModules(contents, codeOf(deployment)))

function refusalOf(
  current: Deployment,
  contents: Contents,
  target: ReleaseRow,
  since: readonly ReleaseRow[],
): string {
  const added = installedSince(newInBase(current, contents, target.deployment))
  if (added) return added
  for (const release of since.toReversed()) {
    const moved = movedBy(release)
    if (moved) return `release ${release.number} (build ${release.build_number}) ${moved}`
  }
  return ''
}

/**
 * Modules that came with another base image. What the target's image has is asked of the target; one of before names those
 * of its closure alone, without those that Odoo installs by itself.
 */
function newInBase(current: Deployment, { installed, baseImage }: Contents, target: Deployment): string[] {
  if (baseImage === target.baseImage) return []
  const byItself = new Set(current.autoInstalled)
  const named = target.imageModules
    ? (current.imageModules ?? current.modules)
    : current.modules.filter((name) => !byItself.has(name))
  const known = new Set(target.imageModules ?? target.modules)
  const own = new Set(Object.keys(target.addonTrees))
  return named.filter((name) => installed.has(name) && !known.has(name) && !own.has(name))
}

const installedSince = (names: readonly string[]): string =>
  names.length === 0
    ? ''
    : `${names.slice(0, 5).join(', ')} ${names.length === 1 ? 'was' : 'were'} installed since, and the older image lacks what the data need`

/** How a release changed what older code expects of the data; empty where it did not. */
function movedBy({ update, withData, snapshot }: ReleaseRow): string {
  if (withData) return 'took the data back, and they fit other code now'
  if (!snapshot) return ''
  if (!update || update.schemaUnknown)
    return 'updated modules, and what that did to the schema is not on record'
  const ran = update.versions.filter(({ scripts }) => scripts.length > 0).map(({ module }) => module)
  const changed = update.schema.map(
    ({ kind, change, table, name }) => `${kind} ${kind === 'table' ? table : `${table}.${name}`} ${change}`,
  )
  const facts = [
    ...(changed.length > 0
      ? [`changed the schema (${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ', …' : ''})`]
      : []),
    ...(ran.length > 0 ? [`ran migration scripts of ${ran.join(', ')}`] : []),
  ]
  return facts.join(' and ')
}
