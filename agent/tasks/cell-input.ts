import { CellStage, type Resources } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Limits } from '../cells/parts.ts'
import type { Stage } from '../storage/records.ts'
import { TaskError } from './task.ts'

const MIB = 1024 * 1024

/** @throws TaskError `bad-input` when the message names no stage. */
export function requireStage(stage: CellStage): Stage {
  if (stage === CellStage.PRODUCTION) return 'production'
  if (stage === CellStage.STAGING) return 'staging'
  if (stage === CellStage.DEVELOPMENT) return 'development'
  throw new TaskError(
    'bad-input',
    `the task names no stage that this agent knows (${stage}): upgrade the agent`,
  )
}

/** Limits of a cell's PostgreSQL: those of the task, ours where it gives none. */
export function limitsOf(stage: Stage, resources: Resources | undefined): Limits {
  const memoryBytes = Number(resources?.memoryBytes ?? 0)
  return {
    memoryBytes:
      memoryBytes > 0 ? Math.max(memoryBytes, 192 * MIB) : (stage === 'production' ? 1024 : 512) * MIB,
    milliCpus: resources?.milliCpus ?? 0,
    maxProcesses: Math.max(resources?.maxProcesses ?? 0, 256),
  }
}
