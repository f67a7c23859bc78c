import { postgresMemoryBytes } from '../../lib/tasks/container-memory.ts'
import { CellStage, type Resources } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Limits } from '../cells/parts.ts'
import type { Stage } from '../storage/records.ts'
import { TaskError } from './task.ts'

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
  return {
    memoryBytes: postgresMemoryBytes(stage, Number(resources?.memoryBytes ?? 0)),
    milliCpus: resources?.milliCpus ?? 0,
    maxProcesses: Math.max(resources?.maxProcesses ?? 0, 256),
  }
}
