import { DomainError } from '../../errors.ts'
import { TaskFailed } from '../../runs/types.ts'

/** What a person would be told is how the run fails. */
export async function known<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof DomainError) throw new TaskFailed(error.reason, error.message)
    throw error
  }
}
