import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from '@connectrpc/connect'
import { formatDuration } from '../lib/words/durations.ts'
import type { BuildService } from '../proto/gen/fairway/v1/builds_pb.js'
import { EnvironmentService } from '../proto/gen/fairway/v1/environments_pb.js'
import { headline } from './build-detail.ts'
import { CliError, isUnavailable } from './errors.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { failureLines, logsCommand } from './failure-lines.ts'
import { type BuildDetailJson, buildDetailJson } from './json/build.ts'
import { environmentJson } from './json/environment.ts'
import { keptPreview } from './kept-words.ts'
import type { Session } from './session.ts'
import { createProgress } from './step-progress.ts'

const reconnectMs = 1_000
const patienceMs = 60_000

export const hasEnded = (status: string): boolean => status !== 'queued' && status !== 'running'

/**
 * Shows a build until it has ended, over restarts of the server of up to a minute, and gives its last state.
 * Throws CliError `timeout` after `timeoutMs`; the build itself goes on then, as it does after Ctrl-C.
 */
export async function watchBuild(
  session: Session,
  client: Client<typeof BuildService>,
  build: { project: string; number: number },
  timeoutMs?: number,
): Promise<BuildDetailJson> {
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const signal = timeout ? AbortSignal.any([session.signal, timeout]) : session.signal
  const progress = createProgress(session.out, headline)
  let last: BuildDetailJson | undefined
  let goneSince: number | undefined
  try {
    for (;;) {
      try {
        for await (const message of client.watchBuild({ build }, { signal })) {
          goneSince = undefined
          if (!message.build) continue
          last = buildDetailJson(message.build)
          progress.show(last)
        }
        if (last && hasEnded(last.status)) return last
      } catch (error) {
        if (timeout?.aborted) {
          const waited = formatDuration(timeoutMs ?? 0)
          throw new CliError(exitCodes.timeout, `The build has not ended after ${waited}; it goes on.`)
        }
        if (!isUnavailable(error)) throw error
        goneSince ??= Date.now()
        if (Date.now() - goneSince > patienceMs) throw error
      }
      await pause(reconnectMs, undefined, { signal })
    }
  } finally {
    progress.end()
  }
}

/** Prints how it ended and gives the exit code. */
export async function reportEnd(session: Session, build: BuildDetailJson): Promise<ExitCode> {
  const { out } = session
  const good = build.result === 'green' || build.result === 'yellow'
  if (out.json) {
    out.printJson(build)
  } else {
    for (const warning of build.warnings) out.line(out.paint('yellow', `warning: ${warning}`))
    if (good && build.url) out.line(build.url)
    if (good) await noteFirstPassword(session, build)
    if (build.failure) for (const line of ['', ...failureLines(out.paint, build.failure), '']) out.line(line)
    if (!good) out.note(`Its logs: ${logsCommand(build)}`)
    if (build.kept?.open) out.note(`Its preview is kept to look into: ${keptPreview(build)}`)
  }
  return good ? exitCodes.ok : exitCodes.failure
}

/** A new production has a password of its own, which is shown once: whoever watched it come is told where. */
async function noteFirstPassword(session: Session, build: BuildDetailJson): Promise<void> {
  if (build.stage !== 'production' || !build.environment) return
  const client = await session.client(EnvironmentService)
  const name = { project: build.project, environment: build.environment }
  const { environment } = await client.getEnvironment({ environment: name }, { signal: session.signal })
  if (environment && environmentJson(environment).signIn === 'kept')
    session.out.note(
      `Its first password is shown once, to one person: fairway env open ${build.project}/${build.environment}`,
    )
}
