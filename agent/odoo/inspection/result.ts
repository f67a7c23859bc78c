import type { DockerHost } from '../../containers/docker.ts'
import type { ContainerEnd } from '../../containers/follow.ts'
import { followInspection, removeInspection } from '../../containers/inspection.ts'
import { type ContainerLine, skipUntil } from '../../containers/log-frames.ts'
import { hostileText } from '../../hostile-text/hostile-text.ts'
import type { TaskContext } from '../../tasks/task.ts'
import { CheckFailed } from '../check-failed.ts'
import { judgeInspectionLog, type LogRules, type LogVerdict } from '../runtime-log.ts'
import type { Passed } from '../smoke-checks.ts'
import { createUpdateLogReader } from '../update-log.ts'
import { findUpdateFailure } from '../verdict.ts'
import { describeFaults, type Findings, isSevere } from './findings.ts'

/** An inspection that is over. Plain JSON. */
export interface Inspected {
  findings: Findings
  log: LogVerdict
  /** Why it did not come to its end. */
  failure?: string
}

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
  const inspected = await context.once('inspection', () => read(host, runtimeId, rules, context, onModels))
  await removeInspection(host, runtimeId)
  return inspected
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
  const findings = await hostileText.read('findings', 'what the inspection says', [output], context.signal)
  const failure = failureOf(end, findings, lines)
  return { findings, log: judgeInspectionLog(lines, rules), ...(failure !== undefined && { failure }) }
}

function failureOf(
  { exitCode, outOfMemory }: ContainerEnd,
  { done, garbled }: Findings,
  lines: readonly ContainerLine[],
): string | undefined {
  if (outOfMemory) return 'it needed more than the memory of this stage: raise `memory` in fairway.yaml'
  if (done && garbled === 0 && exitCode === 0) return undefined
  const reader = createUpdateLogReader()
  for (const { text } of lines) reader.line(text)
  const log = reader.finish()
  return findUpdateFailure(exitCode, log)?.message ?? `it did not come to its end: ${log.lastLine}`
}

/** Every model has what its code stores. */
export function checkModels({ findings, log, failure }: Inspected): Passed {
  const { faults, moreFaults, models } = findings
  const severe = faults.filter(isSevere)
  if (severe.length > 0) throw new CheckFailed(describeFaults({ faults: severe, moreFaults }))
  if (failure !== undefined) throw new CheckFailed(`its models could not be read: ${failure}`)
  const [error] = log.errors
  if (error !== undefined) throw new CheckFailed(`while its code was loaded, Odoo logs an error: ${error}`)
  const warnings = faults.length > 0 ? [describeFaults({ faults, moreFaults })] : []
  return { detail: `${models} models fit the database`, warnings }
}
