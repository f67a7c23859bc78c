import { create } from '@bufbuild/protobuf'
import { type UpdateObservation, UpdateObservationSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { plainTexts } from '../plain-text.ts'
import { compareSchemas, listRewritten } from './compare-catalogs.ts'
import type { TableLock } from './lock-tally.ts'
import type { UpdateTrace } from './log-issues.ts'
import { compareVersions } from './odoo-state.ts'
import type { Picture } from './picture.ts'
import { compareCounts } from './row-counts.ts'

/** All that was seen of an update. */
export interface Seen {
  odooMs: number
  locks: readonly TableLock[]
  trace: UpdateTrace
  /** Undefined where one of the two pictures could not be taken. */
  pictures?: { before: Picture; after: Picture; deactivatedViews: readonly string[] }
  omissions: readonly string[]
}

const longestName = 300
const most = { locks: 50, rewritten: 100, rows: 100, views: 200, estimated: 100 }

/** The observation as it is reported: what is too long is cut, and says so. */
export function reportObservation(seen: Seen): UpdateObservation {
  const omissions = [...seen.omissions]
  const cap = <T>(what: string, limit: number, all: readonly T[]): T[] => {
    if (all.length > limit) omissions.push(`${all.length - limit} more ${what} are left out`)
    return all.slice(0, limit)
  }
  const { trace, pictures } = seen
  if (trace.moreIssues > 0) omissions.push(`${trace.moreIssues} more kinds of log lines are left out`)
  const rows = pictures && compareCounts(sideOf(pictures.before), sideOf(pictures.after))
  const observation = create(UpdateObservationSchema, {
    odooMs: BigInt(seen.odooMs),
    issues: trace.issues,
    locks: cap('locked tables', most.locks, seen.locks).map(({ heldMs, ...lock }) => ({
      ...lock,
      heldMs: BigInt(heldMs),
    })),
    ...(pictures && {
      schema: compareSchemas(pictures.before.catalog, pictures.after.catalog),
      rewrittenTables: cap(
        'rewritten tables',
        most.rewritten,
        listRewritten(pictures.before.catalog, pictures.after.catalog),
      ).map(({ table, bytes }) => ({ table, bytes: BigInt(bytes) })),
      deactivatedViews: cap('deactivated views', most.views, pictures.deactivatedViews),
      versions: compareVersions(
        pictures.before.odoo.versions,
        pictures.after.odoo.versions,
        scriptsByModule(trace),
      ),
    }),
    ...(rows && {
      rowCounts: cap('tables whose number of rows changed', most.rows, rows.changes).map(
        ({ table, before, after }) => ({ table, before: BigInt(before), after: BigInt(after) }),
      ),
      estimatedTables: cap('tables that were not counted', most.estimated, rows.estimated),
    }),
    omissions,
    schemaUnknown: pictures === undefined,
  })
  // Names are the database's. Lines of the log are text, and cut where they are read.
  return Object.assign(plainTexts(observation, longestName), { issues: observation.issues })
}

const sideOf = ({ counts, catalog }: Picture) => ({ counts, tables: catalog.tables })

function scriptsByModule({ scripts }: UpdateTrace): Map<string, string[]> {
  const byModule = new Map<string, string[]>()
  for (const { module, script } of scripts) byModule.set(module, [...(byModule.get(module) ?? []), script])
  return byModule
}
