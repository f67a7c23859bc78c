import type { DockerHost } from '../../containers/docker.ts'
import { followInspection, removeInspection } from '../../containers/inspection.ts'
import { type ContainerLine, skipUntil } from '../../containers/log-frames.ts'
import { hostileAnswers } from '../../hostile-text/hostile-answers.ts'
import type { TaskContext } from '../../tasks/task.ts'
import { judgeInspectionLog, type LogRules } from '../runtime-log.ts'
import { findFailure, type Inspected, wasAskedNothing } from './judge.ts'

/** Of standard output and of the log; what a candidate says beyond is not kept. */
const maxLines = 20_000

/**
 * Waits for the inspection of a runtime, logs what it says, and removes it; null where it did not come to its end, and not by
 * its own fault. `onModels`: it has read them, and goes on.
 */
export async function awaitInspection(
  host: DockerHost,
  runtimeId: string,
  rules: LogRules,
  context: TaskContext,
  onModels: () => void,
): Promise<Inspected | null> {
  try {
    return await context.once('inspection', () => read(host, runtimeId, rules, context, onModels))
  } finally {
    // An agent that goes down leaves it for the one that takes its task up again.
    if (!context.signal.aborted) await removeInspection(host, runtimeId)
  }
}

async function read(
  host: DockerHost,
  runtimeId: string,
  rules: LogRules,
  context: TaskContext,
  onModels: () => void,
): Promise<Inspected | null> {
  const output: string[] = []
  const lines: ContainerLine[] = []
  const key = `inspection-${runtimeId}`
  const log = skipUntil(context.logPosition(key), (line) =>
    context.logFrom('odoo', line.text, { key, timestamp: line.timestamp }, line.cut),
  )
  const end = await followInspection(
    host,
    runtimeId,
    (line) => {
      if (line.stream === 'stdout') {
        if (line.text.includes('{"kind": "models"')) onModels()
        return void (output.length < maxLines && output.push(line.text))
      }
      if (lines.length < maxLines) lines.push(line)
      log(line)
    },
    context.signal,
  )
  if (!end) return null
  const findings = await hostileAnswers.read('findings', 'what the inspection says', [output], context.signal)
  if (wasAskedNothing(end, findings, lines)) return null
  const failure = findFailure(end, findings, lines)
  return { findings, log: judgeInspectionLog(lines, rules), ...(failure !== undefined && { failure }) }
}
