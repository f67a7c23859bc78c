import type { Client } from '@connectrpc/connect'
import type { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { CliError, isAborted } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { type ReleasePlanJson, releasePlanJson } from '../json/release-plan.ts'

/** The plan as of now. Throws the server's errors. */
export async function fetchPlan(
  client: Client<typeof ReleaseService>,
  release: { project: string; branch: string },
  signal: AbortSignal,
): Promise<ReleasePlanJson> {
  const { plan } = await client.planRelease(release, { signal })
  if (!plan) throw new CliError(exitCodes.failure, 'The server answered without a plan.')
  return releasePlanJson(plan)
}

/** Runs what is bound to a plan that somebody saw. Throws a CliError that says to look again when it is another one. */
export async function boundToPlan<T>(lookAgain: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!isAborted(error)) throw error
    const message = `The plan has changed since you saw it; nothing was done. Look again: ${lookAgain}`
    throw new CliError(exitCodes.wrongState, message, { cause: error })
  }
}
