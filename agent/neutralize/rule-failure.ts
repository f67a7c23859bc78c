import { isRefusal, isTimeout } from '../database/hostile-database.ts'
import { plain } from '../plain-text.ts'
import { TaskError } from '../tasks/task.ts'
import type { Rule } from './rule.ts'

/**
 * Runs a statement of a rule. What PostgreSQL has against it names the rule and its table: a constraint of a tenant's own,
 * a lock that something holds.
 *
 * @throws TaskError `neutralize-failed`; what is not PostgreSQL's as it is.
 */
export async function namingRule<T>(
  { name, table }: Pick<Rule, 'name' | 'table'>,
  statement: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isRefusal(error)) throw error
    const what = isTimeout(error) ? 'it took longer than it may' : plain(error.message, 300)
    throw new TaskError(
      'neutralize-failed',
      `the copy could not be neutralized: the rule “${name}” fails on the table ${plain(table, 100)}: ${what} ` +
        `(in: ${plain(statement, 200)}). See what the database has there of its own: a constraint, or something that holds a lock.`,
      { cause: error },
    )
  }
}
