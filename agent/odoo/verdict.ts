import { TaskError } from '../tasks/task.ts'
import type { UpdateLog } from './update-log.ts'

/**
 * Why an update must count as failed, by exit code and log; undefined when neither says so. Odoo ends with 0 for
 * unknown modules and for installed modules whose code is gone, so the exit code alone proves nothing.
 */
export function findUpdateFailure(exitCode: number, log: UpdateLog): TaskError | undefined {
  // 1 is that of failed tests, whose log may hold errors that were provoked; anything else is a crash of the update.
  if (exitCode > 1 && log.missingDependency) return new TaskError('dependency-missing', log.missingDependency)
  if (exitCode > 1 && log.cause?.inData) return new TaskError('data-invalid', log.cause.line)
  if (log.unknownModules.length > 0)
    return new TaskError(
      'modules-unknown',
      `Odoo does not know ${list(log.unknownModules)}: not in the image, or the manifest cannot be read`,
    )
  if (log.notLoadedModules.length > 0)
    return new TaskError(
      'modules-not-loaded',
      `installed in the database, but their code is not in the image or cannot be loaded: ${list(log.notLoadedModules)}`,
    )
  const { tests, failures } = log
  if (tests && tests.failed + tests.errors > 0) {
    const more = failures.length > 1 ? `, and ${failures.length - 1} more` : ''
    return new TaskError(
      'tests-failed',
      `${tests.failed} failed and ${tests.errors} broken of ${tests.total} tests: ${failures[0] ?? 'see the log'}${more}`,
    )
  }
  if (exitCode === 75)
    return new TaskError('database-unreachable', `Odoo could not reach its database: ${log.lastLine}`)
  if (exitCode !== 0)
    return new TaskError(
      'update-failed',
      log.cause?.line ?? `Odoo ended with exit code ${exitCode}: ${log.lastLine}`,
    )
  return undefined
}

const list = (names: readonly string[]) => [...new Set(names)].join(', ')
