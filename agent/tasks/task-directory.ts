import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../storage/tree/remove.ts'
import { createRelative, relativeContext, relativeError } from './relative-messages.ts'
import { type TaskContext, TaskError } from './task.ts'

/** Where a task keeps files while it runs; removed with the next start of the agent once nobody takes the task up again. */
export function taskDirectory(workDirectory: string, context: TaskContext): string {
  if (!/^[\w-]{1,100}$/.test(context.taskId)) throw new TaskError('bad-input', 'the task has no usable id')
  return join(workDirectory, 'tasks', `${context.taskId}-${context.epoch}`)
}

/**
 * Gives `use` an empty directory of the task, named by task and epoch, and removes it afterwards. What an earlier
 * process left under the same name is removed first; a container of that time may still be writing to it. What is said
 * by the context that `use` is given, or thrown by it, names no path of this host.
 */
export async function withTaskDirectory<T>(
  workDirectory: string,
  context: TaskContext,
  use: (directory: string, context: TaskContext) => Promise<T>,
): Promise<T> {
  const directory = taskDirectory(workDirectory, context)
  await removeTree(directory)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const relative = await createRelative(workDirectory, directory)
  try {
    return await use(directory, relativeContext(context, relative))
  } catch (error) {
    throw relativeError(error, relative)
  } finally {
    await removeTree(directory)
  }
}
