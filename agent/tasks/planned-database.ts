import { installedChange } from '../../lib/words/installed-change.ts'
import { listShort } from '../../lib/words/list-short.ts'
import type { ApplyModulesTask, DatabaseContents } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { findInstalled, type InstalledModules } from '../odoo/database-contents.ts'
import type { Before } from '../odoo/new-contents.ts'
import type { Cell } from '../storage/records.ts'
import { type TaskContext, TaskError } from './task.ts'

/**
 * What the database holds before this task first touches it; the same after a crash.
 *
 * @throws TaskError `database-changed` where it is not what was planned for.
 */
export async function contentsBefore(
  cell: Cell,
  planned: DatabaseContents | undefined,
  context: TaskContext,
): Promise<Before> {
  return context.once('contents-before', async () => {
    const found = await withHostileDatabase(cell, findInstalled, { signal: context.signal })
    const installed = found?.installed ?? []
    if (planned) requireSame(planned.installed, installed)
    return { installed, contents: cell.contents ?? null }
  })
}

function requireSame(planned: readonly string[], installed: readonly string[]): void {
  const change = installedChange(planned, installed)
  if (change)
    throw new TaskError(
      'database-changed',
      `the database is not what it was when this was planned (${change}), and nothing was done: plan it again`,
    )
}

/** Modules without code that the update was to take over. @throws TaskError `module-gone`. */
export function requireGone(expected: readonly string[], installed: readonly string[]): void {
  const left = expected.filter((name) => installed.includes(name))
  if (left.length > 0)
    throw new TaskError(
      'module-gone',
      `${listed(left)} is installed in the database but no longer in the repository, and nothing of the update took it ` +
        'over. Uninstall it first, put it back, or name what takes its place under `renamed` in fairway.yaml.',
    )
}

/** Odoo uninstalls without a word what a migration tells it to. */
export function warnOfLost(
  before: Before,
  { installed }: InstalledModules,
  { renames, expectGone }: Pick<ApplyModulesTask, 'renames' | 'expectGone'>,
  context: Pick<TaskContext, 'warn'>,
): void {
  const meant = [...expectGone, ...renames.map(({ from }) => from)]
  const lost = before.installed.filter((name) => !installed.includes(name) && !meant.includes(name))
  if (lost.length > 0) context.warn(`installed before the update, and not any more after it: ${listed(lost)}`)
}

const listed = (names: readonly string[]) => listShort(names, 10)
