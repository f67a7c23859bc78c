import type { Logger } from './logger.ts'

export interface Phase {
  readonly name: string
  readonly deadlineMs: number
  run(): Promise<unknown>
}

/**
 * Ends the phases in the reverse order of their addition, each within its deadline: one that fails or is late is logged, and the next
 * goes on. Called again, it gives the same promise. Resolves to whether all ended well.
 */
export function createShutdown(log: Logger): { add(phase: Phase): void; run(): Promise<boolean> } {
  const phases: Phase[] = []
  let running: Promise<boolean> | undefined
  const runAll = async () => {
    let well = true
    for (const phase of phases.toReversed()) {
      const fault = await endPhase(phase)
      if (!fault) continue
      well = false
      log.warn({ err: fault, phase: phase.name }, 'shutdown phase did not end well')
    }
    return well
  }
  return {
    add: (phase) => void phases.push(phase),
    run: () => {
      running ??= runAll()
      return running
    },
  }
}

async function endPhase({ run, deadlineMs }: Phase): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`not done after ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([run().then(() => undefined), late])
  } catch (error) {
    return error
  } finally {
    clearTimeout(timer)
  }
}
