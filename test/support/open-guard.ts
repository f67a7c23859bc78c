import type { TaskGuard } from '../../agent/authorization/guard.ts'

/** For agents without cells, whose tasks are the test's own: there is no production to guard. */
export const openGuard: TaskGuard = {
  admit: async (_offer, _acceptedAtMs, context) => ({ context, done: async () => {} }),
}
