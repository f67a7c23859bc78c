const quietMs = 1_000
const reminderMs = 15_000

/**
 * Do something that may take a while and say so on standard error: nothing if it is done within a second,
 * else a line when it has begun to take time, one every 15 s, and one with the time it took.
 */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  const print = (line: string) => process.stderr.write(`${line}\n`)
  let announced = false
  const announce = () => {
    print(announced ? `  … ${what}, ${elapsed()} so far` : `  … ${what}`)
    announced = true
    timer = setTimeout(announce, reminderMs)
  }
  let timer = setTimeout(announce, quietMs)
  try {
    const result = await work()
    if (announced) print(`  ✓ ${what}, ${elapsed()}`)
    return result
  } catch (error) {
    print(`  ✗ ${what}, after ${elapsed()}`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
