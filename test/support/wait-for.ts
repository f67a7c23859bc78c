/** Asks until the answer is there; throws with what was last seen when it takes longer than the deadline. */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 20_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  let last: unknown
  while (performance.now() < end) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    last = answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`Waited ${deadlineMs} ms in vain for: ${what} (last: ${JSON.stringify(last)})`)
}
