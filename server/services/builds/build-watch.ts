import { toJsonString } from '@bufbuild/protobuf'
import { type Build, type BuildRef, BuildSchema } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { RunStatus } from '../../../proto/gen/fairway/v1/common_pb.js'
import type { AppContext } from '../../context.ts'
import type { Caller } from '../../governance/authorize.ts'
import { getBuild } from './build-views.ts'
import { changes } from './changes.ts'

const pollMs = 1_000

/** The build now and at every change, until it has ended or `abort`. Throws `build-not-found`. */
export async function* watchBuild(
  context: AppContext,
  caller: Caller,
  ref: BuildRef | undefined,
  abort: AbortSignal,
): AsyncGenerator<Build> {
  let id: string | undefined
  let shown = ''
  const concerns = (_: string, signalled: string) => signalled === id
  for await (const _ of changes(context.signals, ['run'], concerns, pollMs, abort)) {
    const build = await getBuild(context, caller, ref)
    id = build.id
    const seen = fingerprint(build)
    if (seen !== shown) yield build
    shown = seen
    if (hasEnded(build.status)) return
  }
}

export const hasEnded = (status: RunStatus): boolean =>
  status !== RunStatus.QUEUED && status !== RunStatus.RUNNING

/** What a reader would call a change: clocks that merely tick are left out. */
function fingerprint(build: Build): string {
  if (hasEnded(build.status)) return toJsonString(BuildSchema, build)
  const steps = build.steps.map((step) => ({ ...step, durationMs: 0n }))
  return toJsonString(BuildSchema, { ...build, durationMs: 0n, steps })
}
