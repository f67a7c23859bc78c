import { createLocks } from '../../cells/locks.ts'
import type { TaskContext } from '../task.ts'

/** One build after the other of what has one name; who has to wait says in its log for whom. */
export type InTurn = <T>(
  what: { readonly name: string; readonly forPeople: string },
  context: Pick<TaskContext, 'log' | 'runId' | 'signal'>,
  make: () => Promise<T>,
) => Promise<T>

export function createTurns(): InTurn {
  const withLock = createLocks()
  const makers = new Map<string, string>()
  return ({ name, forPeople }, context, make) => {
    const maker = makers.get(name)
    if (maker !== undefined)
      context.log('fairway', `waits for run ${maker}, which makes ${forPeople} on this host just now`)
    return withLock(name, context.signal, async () => {
      makers.set(name, context.runId)
      try {
        return await make()
      } finally {
        makers.delete(name)
      }
    })
  }
}
