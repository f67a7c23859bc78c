import { type TaskContext, TaskError } from './task.ts'

/**
 * Makes what people read name files as the repository has them: no path of this host is theirs to know, or of use to
 * them. `directory` is a task's, below `workDirectory`.
 */
export function createRelative(workDirectory: string, directory: string): (text: string) => string {
  // The longest first.
  const known: [string, string][] = [
    [`${directory}/source/`, ''],
    [`${directory}/source`, 'the repository'],
    [`${directory}/`, ''],
    [directory, 'the task'],
    [`${workDirectory}/`, ''],
    [workDirectory, 'the agent'],
  ]
  return (text) => known.reduce((rest, [path, name]) => rest.replaceAll(path, name), text)
}

/** The context with relative messages. */
export function relativeContext(context: TaskContext, relative: (text: string) => string): TaskContext {
  return {
    ...context,
    log: (source, text, time) => context.log(source, relative(text), time),
    warn: (text) => context.warn(relative(text)),
  }
}

/** The same error, or one with a relative message that has it as its cause. */
export function relativeError(error: unknown, relative: (text: string) => string): unknown {
  if (!(error instanceof Error)) return error
  const message = relative(error.message)
  if (message === error.message) return error
  return error instanceof TaskError
    ? new TaskError(error.reason, message, { cause: error })
    : new Error(message, { cause: error })
}
