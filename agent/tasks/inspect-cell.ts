import { create } from '@bufbuild/protobuf'
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import {
  type InspectCellOutput,
  InspectCellOutputSchema,
  type InspectCellTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type HostileDatabase, withHostileDatabase } from '../database/hostile-database.ts'
import { type ChangesSince, countChangesSince } from '../observe/changes-since.ts'
import { describeContents, findInstalled } from '../odoo/database-contents.ts'
import { defaultLogins, findKnownUsers } from '../passwords/default-passwords.ts'
import { plainTexts } from '../plain-text.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import type { TaskContext, TaskHandler } from './task.ts'

/** PostgreSQL's names have 63 bytes, those of images some more. */
const longestText = 500
const most = { changes: 20, uncounted: 100 }
const none: ChangesSince = { tables: [], lastChange: undefined, uncounted: [] }

/**
 * Size of a cell's database, what it has installed, what people wrote to it since a moment, and whom Odoo's own passwords let
 * in. Takes no lock that others would
 * notice, and changes nothing.
 */
export function inspectCellTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'inspectCell'> {
  return (input, context) =>
    cells.visit(input.cellId, context.signal, (cell) =>
      withHostileDatabase(cell, (database) => inspect(database, cell, input, context), {
        signal: context.signal,
      }),
    )
}

async function inspect(
  database: HostileDatabase,
  cell: Cell,
  { changedSince, contents, defaultPasswords }: InspectCellTask,
  context: TaskContext,
): Promise<InspectCellOutput> {
  const { rows } = await database.query<{ bytes: string }>(
    'select pg_database_size(current_database())::text as bytes',
  )
  const found = changedSince ? await countChangesSince(database, timestampDate(changedSince)) : none
  const modules = contents ? await findInstalled(database) : undefined
  if (modules && modules.misnamed > 0)
    context.warn(
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
    ...(defaultPasswords && { defaultPasswords: { logins: defaultLogins(await findKnownUsers(database)) } }),
  })
  return plainTexts(output, longestText)
}
