import { TaskError } from '../../lib/faults/task-error.ts'
import { stageNames } from '../../lib/resolve/stage-modules.ts'
import type { Telling } from '../../lib/resolve/telling.ts'

export type Level = 'error' | 'warning' | 'note'

/** Something to know of a working copy, in the words of the build that would meet it. */
export interface Finding {
  readonly level: Level
  /** Of a build that would end with it: `dependency-missing`; empty otherwise. */
  readonly reason: string
  readonly message: string
  /** The stages that it is about; empty: all. */
  readonly stages: readonly string[]
}

/** What is found, in order, each once. */
export interface Findings {
  readonly all: readonly Finding[]
  readonly telling: Telling
  add(level: Level, message: string, about?: { readonly reason?: string; readonly stage?: string }): void
  /** Undefined where `work` ends with what a build would end with, which is found then. */
  attempt<T>(work: () => Promise<T>, stage?: string): Promise<T | undefined>
  /** Of the same findings, where what is told is about one stage. */
  tellingOf(stage: string): Telling
}

const everyStage: readonly string[] = [...stageNames.values()]

export function createFindings(signal: AbortSignal): Findings {
  const found = new Map<string, { level: Level; reason: string; message: string; stages: Set<string> }>()
  const add: Findings['add'] = (level, message, { reason = '', stage } = {}) => {
    const key = `${level} ${message}`
    const before = found.get(key) ?? { level, reason, message, stages: new Set<string>() }
    found.set(key, before)
    for (const one of stage === undefined ? everyStage : [stage]) before.stages.add(one)
  }
  const tellingOf = (stage?: string): Telling => ({
    signal,
    log: (_, text) => add('note', text, { stage }),
    warn: (text) => add('warning', text, { stage }),
  })
  return {
    get all() {
      return [...found.values()].map(({ stages, ...finding }) => ({
        ...finding,
        stages: everyStage.every((stage) => stages.has(stage)) ? [] : [...stages],
      }))
    },
    telling: tellingOf(),
    tellingOf,
    add,
    async attempt(work, stage) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof TaskError)) throw error
        add('error', error.message, { reason: error.reason, stage })
        return undefined
      }
    },
  }
}
