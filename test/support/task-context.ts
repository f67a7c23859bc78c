import { TaskAborted, type TaskContext } from '../../agent/tasks/task.ts'
import type { TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'

/** What a task said and did, in memory; `resume` gives the context that a restarted agent would give. */
export interface RecordedTask {
  readonly context: TaskContext
  readonly lines: { source: string; text: string }[]
  readonly warnings: string[]
  readonly found: TaskOutput['kind'][]
  readonly artifacts: Map<string, string>
  abort(why: TaskAborted['why']): void
  resume(): RecordedTask
}

/** What a server would answer; tests put values in. */
const secretValues: Record<string, string> = {}

interface Kept {
  checkpoints: Map<string, string>
  positions: Map<string, { timestamp: string; lines: number }>
  lines: { source: string; text: string }[]
}

export function createTask(
  taskId: string = crypto.randomUUID(),
  kept: Kept = { checkpoints: new Map(), positions: new Map(), lines: [] },
): RecordedTask {
  const controller = new AbortController()
  const warnings: string[] = []
  const artifacts = new Map<string, string>()
  const found: TaskOutput['kind'][] = []
  const { signal } = controller
  const context: TaskContext = {
    taskId,
    epoch: 1,
    runId: 'run',
    project: 'test',
    owner: { projectId: 'test', environmentId: '' },
    signal,
    log: (source, text) => void kept.lines.push({ source, text }),
    logPosition: (source) => kept.positions.get(source),
    logFrom(source, text, { key, timestamp }) {
      kept.lines.push({ source, text })
      const last = kept.positions.get(key)
      kept.positions.set(key, { timestamp, lines: last?.timestamp === timestamp ? last.lines + 1 : 1 })
    },
    secrets: async (refs) => Object.fromEntries(refs.map(({ name }) => [name, secretValues[name] ?? ''])),
    warn: (text) => void warnings.push(text),
    found: (output) => void found.push(output),
    artifact: (name, _type, content) => void artifacts.set(name, new TextDecoder().decode(content)),
    async once(name, effect) {
      const known = kept.checkpoints.get(name)
      if (known !== undefined) return JSON.parse(known)
      const value = await effect()
      kept.checkpoints.set(name, JSON.stringify(value) ?? 'null')
      return value
    },
    async requireLease() {
      signal.throwIfAborted()
    },
  }
  return {
    context,
    lines: kept.lines,
    warnings,
    found,
    artifacts,
    abort: (why) => controller.abort(new TaskAborted(why, `the task was ${why}`)),
    resume: () => createTask(taskId, kept),
  }
}
