// What an environment's containers may take when its project sets nothing. The agent sets these limits; the server counts
// with them before it lets a run begin.

const MIB = 1024 ** 2
const leastPostgresBytes = 192 * MIB

/** @param set bytes; 0: nothing was set. */
export const odooMemoryBytes = (set: number): number => set || 1024 * MIB

/** @param set bytes; 0: nothing was set. */
export const postgresMemoryBytes = (stage: 'production' | 'staging' | 'development', set: number): number =>
  set > 0 ? Math.max(set, leastPostgresBytes) : (stage === 'production' ? 1024 : 512) * MIB
