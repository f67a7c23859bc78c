/**
 * Pause before the next try, in milliseconds: full jitter (AWS, "Exponential Backoff And Jitter"), so that a fleet
 * that lost its server does not come back in step. `attempt` counts from 0.
 */
export function fullJitter(
  attempt: number,
  { baseMs, capMs }: { baseMs: number; capMs: number },
  random: () => number = Math.random,
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)))
}
