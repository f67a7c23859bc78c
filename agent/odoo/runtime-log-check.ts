import type { DockerHost } from '../containers/docker.ts'
import { readLogs } from '../containers/follow.ts'
import type { ContainerLine } from '../containers/log-frames.ts'
import { CheckFailed } from './check-failed.ts'
import { judgeRuntimeLog, type LogRules, type LogVerdict } from './runtime-log.ts'
import type { Passed } from './smoke-checks.ts'

/** The newest: a log that is longer says the same over and over. */
const maxLines = 50_000

/** What Odoo of a container has written, judged. */
export async function readRuntimeLog(
  host: DockerHost,
  container: string,
  since: Date,
  rules: LogRules,
  signal: AbortSignal,
): Promise<LogVerdict> {
  const lines: ContainerLine[] = []
  await readLogs(host, container, { follow: false, signal }, (line) => {
    lines.push(line)
    if (lines.length > 2 * maxLines) lines.splice(0, maxLines)
  })
  // Docker writes nine digits: as text, a millisecond's own are all after it.
  return judgeRuntimeLog(lines, since.toISOString().replace('Z', ''), rules)
}

/** Nothing that Odoo wrote says that the candidate is broken. */
export function checkRuntimeLog({ errors, warnings, known }: LogVerdict): Passed {
  const [first] = errors
  if (first !== undefined)
    throw new CheckFailed(
      `Odoo logs an error: ${first}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}`,
    )
  const said = warnings.length > 0 ? `${warnings.length} kinds of warnings` : 'no warning and no error'
  return {
    detail: known > 0 ? `${said} but ${known} known` : said,
    warnings: warnings.slice(0, 10).map((warning) => `Odoo logs ${warning}`),
  }
}
