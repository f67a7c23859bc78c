import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** Says which files were slow and what was left out, and ends the run's output with one plain line that any tool can read: `N passed, N failed, N skipped`. */
export default class ClosingLine implements Reporter {
  #leftOut = ''

  onInit({ projects }: Vitest): void {
    const names = projects.map(({ name }) => name)
    if (names.includes('faults') && !names.includes('faults-long')) {
      this.#leftOut = 'faults-long was left out, it takes more than an hour: npm run test:faults\n'
    }
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++
      // A file that could not even be collected has no tests to count.
      if (module.state() === 'failed' && module.children.size === 0) counts.failed++
    }
    const skipped = counts.skipped + counts.pending
    process.stdout.write(
      `${slowest(modules)}${this.#leftOut}${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped\n`,
    )
  }
}

/** The ten files that took longest, when there are many. */
function slowest(modules: readonly TestModule[]): string {
  if (modules.length < 20) return ''
  const byDuration = modules
    .map((module) => ({ name: module.relativeModuleId, seconds: module.diagnostic().duration / 1000 }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 10)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}\n`)
  return `The ten slowest files:\n${byDuration.join('')}`
}
