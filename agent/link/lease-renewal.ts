import type { Connection } from './connection.ts'
import type { Journal } from './journal.ts'
import type { Leases } from './leases.ts'

/**
 * Renews the leases of everything in the journal, over one connection at a time; over the next one when a renewal
 * was left unanswered until the next was due. Finished tasks are renewed as well until their result is acknowledged,
 * so that the server knows they are not lost. Nothing to renew is said as well: it tells that nothing is held.
 */
export interface LeaseRenewal {
  connected(connection: Connection): void
  closed(connection: Connection): void
  granted(
    connection: Connection,
    grant: { tasks: { taskId: string; epoch: number }[]; leaseMs: number },
  ): void
  stop(): void
}

export function createLeaseRenewal(journal: Journal, leases: Leases): LeaseRenewal {
  const sentAt = new Map<Connection, number[]>()
  let timer: NodeJS.Timeout | undefined

  const renew = (connection: Connection) => {
    const tasks = journal.listOpen().map(({ taskId, epoch }) => ({ taskId, epoch }))
    sentAt.get(connection)?.push(leases.nowMs())
    connection.send({ case: 'renewal', value: { tasks } })
  }
  const tick = () => {
    const answered = [...sentAt].find(([, unanswered]) => unanswered.length === 0)
    const connection = answered?.[0] ?? sentAt.keys().next().value
    if (connection) renew(connection)
  }
  const schedule = () => {
    clearInterval(timer)
    const shortest = Math.min(...[...sentAt.keys()].map(({ leaseMs }) => leaseMs))
    timer = sentAt.size > 0 ? setInterval(tick, Math.max(100, shortest / 3)) : undefined
  }
  return {
    connected(connection) {
      sentAt.set(connection, [])
      schedule()
      renew(connection)
    },
    closed(connection) {
      sentAt.delete(connection)
      schedule()
    },
    granted(connection, { tasks, leaseMs }) {
      // Answers come in the order of the renewals.
      const startMs = sentAt.get(connection)?.shift()
      if (startMs !== undefined) leases.extend(tasks, startMs, leaseMs)
    },
    stop: () => clearInterval(timer),
  }
}
