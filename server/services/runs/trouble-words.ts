import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { formatMoment } from '../../../lib/words/times.ts'
import { type Trouble, TroubleSchema } from '../../../proto/gen/fairway/v1/runs_pb.js'
import type { RunTrouble } from '../../db/record.ts'

/** A run, as far as it may be stuck. */
interface Stuck {
  readonly id: string
  readonly trouble: unknown
  readonly abandoned_by: string | null
}

/** What a run is stuck at, in one line: what fails, since when, and when it is tried again. */
export function describeTrouble(trouble: RunTrouble): string {
  const { task, error, attempts, since, nextAt } = trouble
  if (trouble.kind === 'stalled')
    return `the run stands still since ${formatMoment(since)}, and nothing of it is done: ${error}`
  if (attempts === 0)
    return `the run waits at ${task} since ${formatMoment(since)}: ${error}; it goes on once the host is back`
  const what = trouble.kind === 'fault' ? 'the run fails to go on' : 'putting things back fails'
  const where = task ? ` at ${task}` : ''
  const times = attempts === 1 ? 'once' : `${attempts} times`
  const next = nextAt ? `it is tried again at ${formatMoment(nextAt)}` : 'it is being tried again now'
  return `${what}${where} since ${formatMoment(since)} (${times}): ${error}; ${next}`
}

/** The same with what a person can do about it. */
export function describeStuck({ id, trouble, abandoned_by: by }: Stuck): string {
  const described = describeTrouble(trouble as RunTrouble)
  if (by) return `${described}. ${by} has given it up: it ends once no host works for it any more`
  const abandon = `To leave things as they are: fairway run abandon ${id} --reason TEXT`
  const { kind, attempts } = trouble as RunTrouble
  if (attempts === 0)
    return `${described}. Where it never comes back, take it out: fairway host revoke. ${abandon}`
  return kind === 'stalled'
    ? `${described}. It goes on by itself once a server runs that can: upgrade the server. ${abandon}`
    : `${described}. At once: fairway run retry ${id}. ${abandon}`
}

export function troubleMessage(run: Stuck): Trouble | undefined {
  const trouble = run.trouble as RunTrouble | null
  if (!trouble) return undefined
  const { kind, task, step, error, attempts, since, nextAt } = trouble
  return create(TroubleSchema, {
    kind,
    task,
    step,
    error,
    attempts,
    since: timestampFromDate(new Date(since)),
    nextAttempt: nextAt ? timestampFromDate(new Date(nextAt)) : undefined,
    summary: describeStuck(run),
  })
}
