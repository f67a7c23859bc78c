import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ReadLogsRequestSchema } from '../../../proto/gen/fairway/v1/logs_pb.js'
import { type LogLine, LogService } from '../../../proto/gen/fairway/v1/logs_pb.js'
import { usageError } from '../../errors.ts'
import { parseDuration } from '../../format.ts'
import { textOf, timeOf } from '../../json/values.ts'
import type { Output } from '../../output.ts'
import { isRunName, parseBuildName } from '../../refs.ts'
import { findRunNamed, resolveBuild, resolveEnvironment } from '../../resolve.ts'
import type { Session } from '../../session.ts'
import { verb } from '../../verb.ts'

interface Options {
  follow?: boolean
  since?: string
  step?: string
  tail?: string
}

export const command = verb<Options>({
  usage: 'logs <run-or-environment...>',
  summary: 'Read the logs of a build, of any other run, or of an environment',
  details:
    'A number names a build, an id or its first eight digits any run (a release, a rehearsal, a rollback), everything ' +
    'else an environment.',
  examples: [
    ['fairway logs acme/12 --step database', 'one step of a build'],
    ['fairway logs 5c6b8a1e', 'a promotion, by the first digits of its run’s id'],
    ['fairway logs acme production -f --since 10m', 'what production says, from ten minutes ago and on'],
    ['fairway logs acme/12 --json | jq -r .text', 'one JSON object a line'],
  ],
  configure: (command) =>
    command
      .option('-f, --follow', 'go on until the run ends (an environment: until Ctrl-C)')
      .option('--since <time>', 'a duration such as 10m, or an RFC 3339 time')
      .option('--step <step>', 'one step alone, such as database; `fairway run show` has them all')
      .option('--tail <n>', 'the last n lines only'),
  async run(session, words, options) {
    const tail = Number(options.tail ?? 0)
    if (!Number.isInteger(tail) || tail < 0) throw usageError('--tail takes a number of lines.')
    const since = parseSince(options.since)
    const client = await session.client(LogService)
    const request = {
      subject: await subjectOf(session, words),
      follow: options.follow === true,
      since: since && timestampFromDate(since),
      step: options.step,
      tail,
    }
    const stream = client.readLogs(request, { signal: session.signal })
    let read = 0
    for await (const { lines } of stream) {
      for (const line of lines) await write(formatLine(session.out, line))
      read += lines.length
    }
    if (read === 0) session.out.note(nothingRead(words, options))
    return undefined
  },
})

async function subjectOf(
  session: Session,
  words: readonly string[],
): Promise<MessageInitShape<typeof ReadLogsRequestSchema>['subject']> {
  const [first = ''] = words
  const runId = words.length === 1 ? await findRunNamed(session, first) : undefined
  if (runId) return { case: 'runId', value: runId }
  if (parseBuildName(words)) return { case: 'build', value: await resolveBuild(session, words) }
  return { case: 'environment', value: await resolveEnvironment(session, words) }
}

/** What is there and was read to its end, and had nothing to say. */
function nothingRead(words: readonly string[], { step, since }: Options): string {
  const what = [step && `by step ${step}`, since && `since ${since}`].filter(Boolean).join(' ')
  const isRun = isRunName(words[0] ?? '', 8) || parseBuildName(words) !== undefined
  return `Nothing was logged${what && ` ${what}`}.${isRun ? ` How it stands: fairway run show ${words.join(' ')}` : ''}`
}

export function parseSince(text: string | undefined, now = Date.now()): Date | undefined {
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  const since = ms === undefined ? new Date(text) : new Date(now - ms)
  const isTime =
    ms !== undefined || /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/.test(text)
  if (!isTime || Number.isNaN(since.getTime())) {
    throw usageError(`${text} is no time: give a duration such as 10m, or one like 2026-01-31T09:30:00Z.`)
  }
  return since
}

/** Waits for a slow reader instead of filling memory. */
function write(text: string): Promise<void> | undefined {
  if (process.stdout.write(`${text}\n`)) return undefined
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}

function formatLine(out: Output, line: LogLine): string {
  const time = timeOf(line.time)
  if (out.json) {
    const gap = line.gap > 0n ? { gap: Number(line.gap) } : {}
    return JSON.stringify({ time, step: textOf(line.step), source: line.source, text: line.text, ...gap })
  }
  const clock = out.isTerminal ? (time ?? '').slice(11, 23) : (time ?? '')
  const head = out.paint('dim', `${clock} ${line.step.padEnd(8)} ${line.source.padEnd(8)}`)
  if (line.gap > 0n) {
    return `${head} ${out.paint('yellow', `… ${line.gap} lines are missing here: the agent's spool was full`)}`
  }
  return `${head} ${out.isTerminal ? withoutControls(line.text) : line.text}`
}

/** A log must not drive the terminal. */
const withoutControls = (text: string) => text.replaceAll(/[\p{Cc}--[\t]]/gv, '')
