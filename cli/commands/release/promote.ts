import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { boundToPlan, fetchPlan } from '../../release/fetch-plan.ts'
import { followRelease } from '../../release/follow-release.ts'
import { shortDigest } from '../../release/image-words.ts'
import { planLines } from '../../release/plan-lines.ts'
import { resolveRelease } from '../../release/resolve-release.ts'
import { oneLine } from '../../table.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly yes?: boolean
  readonly watch?: boolean
  readonly wait: boolean
  readonly timeout?: string
}

export const command = verb<Options>({
  usage: 'promote [project] [branch]',
  summary: 'Take staging’s image to production, by digest',
  asks: 'yes',
  details:
    'Nothing is built. It uses the approval that was given for exactly this, or waits for one. When the update or a check ' +
    'fails, code and data are put back. Exit code 0 when it ended green or yellow, else 1. Ctrl-C stops waiting, not the ' +
    'promotion.',
  examples: [
    ['fairway release promote acme release/1.0', 'shows what will happen, asks, and waits'],
    ['fairway release promote acme --yes --json --timeout 1h', 'asks nothing; one document at the end'],
    ['fairway release promote acme --yes --no-wait', 'asks nothing and returns at once'],
  ],
  configure: (command) =>
    void addTimeout(
      command
        .option('-w, --watch', 'show its steps until it has ended; what it does anyhow')
        .option('--no-wait', 'don’t wait until it is done'),
    ),
  async run(session, words, options) {
    if (options.watch && !options.wait) throw usageError('--watch and --no-wait are opposites; give one.')
    timeoutOf(options)
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const plan = await fetchPlan(client, await resolveRelease(session, words), signal)
    const { project, environment, branch, candidate, blockers, sha256: planSha256 } = plan
    if (!out.json) for (const line of [...planLines(out, plan), '']) out.line(line)
    if (blockers.length > 0) {
      const why = blockers.map(oneLine).join('; ')
      throw new CliError(exitCodes.wrongState, `Nothing was promoted: ${why}.`)
    }
    const question = `Take image ${shortDigest(candidate?.digest ?? '')} to ${project}/${environment}?`
    const needs = { permission: 'release.promote', project, environment }
    await requireConfirmed(session, question, options.yes === true, needs)
    const { runId, attached } = await boundToPlan(`fairway release plan ${project} ${branch}`, () =>
      client.promoteRelease({ project, branch, planSha256 }, { signal }),
    )
    return await followRelease(session, client, { project, runId, attached }, options, { plan })
  },
})
