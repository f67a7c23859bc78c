import { create } from '@bufbuild/protobuf'
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { InspectCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { isPostgresRunning } from '../containers/postgres.ts'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { type ChangesSince, countChangesSince } from '../observe/changes-since.ts'
import { describeContents, findInstalled } from '../odoo/database-contents.ts'
import { plainTexts } from '../plain-text.ts'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

/** PostgreSQL's names have 63 bytes, those of images some more. */
const longestText = 500
const most = { changes: 20, uncounted: 100 }
const none: ChangesSince = { tables: [], lastChange: undefined, uncounted: [] }

/**
 * Size of a cell's database, what it has installed, and what people wrote to it since a moment. Takes no lock that others would notice, and
 * changes nothing: PostgreSQL is started for it where it is down, and stopped again.
 */
export function inspectCellTask({
  docker,
  cells,
}: Pick<AgentServices, 'docker' | 'cells'>): TaskHandler<'inspectCell'> {
  return async ({ cellId, changedSince, contents: asked }, { signal, warn }) => {
    const ran = await isPostgresRunning(docker, cellId)
    const cell = await cells.start(cellId, signal)
    try {
      return await withHostileDatabase(
        cell,
        async (database) => {
          const { rows } = await database.query<{ bytes: string }>(
            'select pg_database_size(current_database())::text as bytes',
          )
          const since = changedSince && timestampDate(changedSince)
          const found = since ? await countChangesSince(database, since) : none
          const modules = asked ? await findInstalled(database) : undefined
          if (modules && modules.misnamed > 0)
            warn(
              `${modules.misnamed} rows of the list of modules (ir_module_module) say installed under names that no module can have: they are passed over`,
            )
          const output = create(InspectCellOutputSchema, {
            databaseBytes: BigInt(rows[0]?.bytes ?? 0),
            changes: found.tables
              .slice(0, most.changes)
              .map(({ table, rows: changed }) => ({ table, rows: BigInt(changed) })),
            changedRows: BigInt(found.tables.reduce((sum, table) => sum + table.rows, 0)),
            ...(found.lastChange && { lastChange: timestampFromDate(found.lastChange) }),
            uncountedTables: found.uncounted.slice(0, most.uncounted),
            ...(modules && { contents: describeContents(modules, cell.contents) }),
          })
          return plainTexts(output, longestText)
        },
        { signal },
      )
    } finally {
      if (!ran) await cells.stop(cellId, signal)
    }
  }
}
