import { join } from 'node:path'
import { listContainers, stopAndRemove } from '../containers/docker.ts'
import { isShutdown } from '../containers/one-off.ts'
import type { AgentServices } from '../services.ts'
import { listNames } from '../storage/durable.ts'
import { removeTree } from '../storage/tree/remove.ts'
import type { TaskHandler, TaskKind } from './task.ts'

type Services = Pick<AgentServices, 'docker' | 'workDirectory'>

/**
 * A task that fails, however early, leaves no container: also when it was cancelled while no agent was there, and is
 * only taken up again to end. At a shutdown they are left for the next agent process.
 */
export function withoutLeftovers<K extends TaskKind>(
  services: Services,
  handler: TaskHandler<K>,
): TaskHandler<K> {
  return async (input, context) => {
    try {
      return await handler(input, context)
    } catch (error) {
      if (!isShutdown(context.signal))
        await removeContainers(
          services,
          (taskId, epoch) => taskId === context.taskId && epoch <= context.epoch,
        )
      throw error
    }
  }
}

/**
 * Removes containers and directories of tasks that nobody will take up again. For the agent's start, before tasks resume:
 * `isOpen` tells from the journal which will.
 *
 * @returns what was removed, for the log.
 */
export async function collectTaskOrphans(
  services: Services,
  isOpen: (taskId: string, epoch: number) => boolean,
): Promise<string[]> {
  const containers = await removeContainers(services, (taskId, epoch) => !isOpen(taskId, epoch))
  const root = join(services.workDirectory, 'tasks')
  const directories: string[] = []
  for (const name of await listNames(root)) {
    const [, taskId, epoch] = /^(.+)-(\d+)$/.exec(name) ?? []
    if (taskId && isOpen(taskId, Number(epoch))) continue
    await removeTree(join(root, name))
    directories.push(name)
  }
  return [...containers, ...directories]
}

async function removeContainers(
  { docker }: Services,
  isOrphan: (taskId: string, epoch: number) => boolean,
): Promise<string[]> {
  const removed: string[] = []
  for (const { Id, Labels, Names } of await listContainers(docker, { role: 'task' })) {
    if (!isOrphan(Labels['fairway.task'] ?? '', Number(Labels['fairway.epoch'] ?? 0))) continue
    await stopAndRemove(docker, Id)
    removed.push((Names[0] ?? Id).replace(/^\//, ''))
  }
  return removed
}
