import type { ContainerEnd } from '../../containers/follow.ts'
import type { ContainerLine } from '../../containers/log-frames.ts'
import { CheckFailed } from '../check-failed.ts'
import type { LogVerdict } from '../runtime-log.ts'
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

/**
 * It came to its input, found none and ended well: the agent that should have given it was ended itself. `odoo shell` reads
 * it when the registry is loaded (`Shell.console` of cli/shell.py); code that ends before this has ended by itself.
 */
export function wasAskedNothing(
  { exitCode }: Pick<ContainerEnd, 'exitCode'>,
  { begun }: Pick<Findings, 'begun'>,
  lines: readonly Pick<ContainerLine, 'text'>[],
): boolean {
  return exitCode === 0 && !begun && lines.some(({ text }) => registryLoaded.test(text))
}

/** `Registry.new` of orm/registry.py; odoo.modules.registry up to 18. */
const registryLoaded = / odoo\.(?:modules\.)?registry: Registry loaded in /

/** Why an inspection did not come to its end; undefined where it did. `lines`: of its log. */
export function findFailure(
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
