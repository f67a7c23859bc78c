import type { Logger } from './logger.ts'

export interface Phase {
  readonly name: string
  readonly deadlineMs: number
  run(): Promise<unknown>
}

/** Somebody asked to stop while the start was still going on; what was open by then is closed. */
export class StoppedWhileStarting extends Error {
  override name = 'StoppedWhileStarting'
  constructor() {
    super('asked to stop while it was starting')
  }
}

export interface Shutdown {
  /**
   * What has just been opened, to be closed by `run`. Where that has begun already it is closed as well, and this throws
   * StoppedWhileStarting: nothing may be opened on top of it.
   */
  add(phase: Phase): void
  /**
   * Ends the phases in the reverse order of their addition, each within its deadline: one that fails or is late is logged,
   * and the next goes on. Each is ended once. Resolves to whether all ended well, also those that were added meanwhile.
   */
  run(): Promise<boolean>
}

export function createShutdown(log: Logger): Shutdown {
  const phases: Phase[] = []
  let running: Promise<boolean> | undefined
  const runAll = async () => {
    let well = true
    for (let phase = phases.pop(); phase; phase = phases.pop()) {
      const fault = await endPhase(phase)
      if (!fault) continue
      well = false
      log.warn({ err: fault, phase: phase.name }, 'shutdown phase did not end well')
    }
    return well
  }
  return {
    add(phase) {
      phases.push(phase)
      if (!running) return
      running = running.then(async (well) => (await runAll()) && well)
      throw new StoppedWhileStarting()
    },
    run() {
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
