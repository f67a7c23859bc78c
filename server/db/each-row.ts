import { messageOf } from '../errors.ts'
import { isOutage } from './outage.ts'

/**
 * Does the work for each of the rows that are due, one after the other. One that fails, or that somebody else is at for too
 * long, keeps none of those after it waiting: it is found again the next time. Rejects once all were tried where any failed,
 * and at once where the database is away.
 */
export async function forEachRow<Row extends { readonly id: string }>(
  rows: readonly Row[],
  work: (row: Row) => Promise<void>,
): Promise<void> {
  const failures: Error[] = []
  for (const row of rows) {
    try {
      await work(row)
    } catch (error) {
      if (isOutage(error)) throw error
      failures.push(new Error(`${row.id}: ${messageOf(error)}`, { cause: error }))
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, failures.map(messageOf).join('; '))
}
