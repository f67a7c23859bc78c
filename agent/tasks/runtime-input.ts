import type { RuntimeSpec } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from './task.ts'

/** @throws TaskError `bad-input` for a message without runtime, or with an id that could not name a container. */
export function requireRuntime(runtime: RuntimeSpec | undefined): RuntimeSpec {
  if (!runtime) throw new TaskError('bad-input', 'the task names no runtime')
  requireRuntimeId(runtime.runtimeId)
  return runtime
}

export function requireRuntimeId(id: string): string {
  if (/^[a-zA-Z0-9][\w.-]{0,99}$/.test(id)) return id
  throw new TaskError('bad-input', `${JSON.stringify(id.slice(0, 60))} is no id of a runtime`)
}
