import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { rollbackPlanJson } from '../../json/rollback.ts'
import { parseBuildName } from '../../refs.ts'
import { countLoss } from '../../release/count-loss.ts'
import { boundToPlan } from '../../release/fetch-plan.ts'
import { followRelease } from '../../release/follow-release.ts'
import { lossSentence } from '../../release/loss-sentence.ts'
import { refusalText, rollbackLines } from '../../release/rollback-lines.ts'
import { onlyProject } from '../../resolve.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly to?: string
  readonly withData?: boolean
  readonly force?: boolean
  readonly yes?: boolean
  readonly wait: boolean
  readonly timeout?: string
}

export const command = verb<Options>({
  usage: 'rollback [project]',
  summary: 'Take production back to what it served before, by digest',
  asks: 'yes',
  details:
    'Without --with-data the older code runs on the data as they are; refused where the modules’ schema has moved on. With ' +
    'it the data go back to the moment before that release was replaced: what was written since is counted, said, and ' +
    'lost. Exit code 0 when it ended green or yellow, else 1.',
  examples: [
    ['fairway rollback acme', 'to the release before; shows what will happen, asks, and waits'],
    ['fairway rollback acme --to 38 --with-data', 'to build 38, and the data as they were then'],
    ['fairway rollback acme --with-data --yes', 'says what is lost, and asks nothing'],
  ],
  configure: (command) =>
    void addTimeout(
      command
        .option('--to <build>', 'a build that production has served (default: the one before)')
        .option('--with-data', 'the data go back too; what was written since is lost')
        .option('--force', 'in spite of a refusal')
        .option('--no-wait', 'don’t wait until it is done'),
    ),
  async run(session, [name], options) {
    const timeoutMs = timeoutOf(options)
    const { withData = false, force = false, yes = false } = options
    const toBuild = buildOf(options)
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const project = name ?? (await onlyProject(session))
    const answer = await client.planRollback({ project, toBuild, withData }, { signal })
    if (!answer.plan) return undefined
    const plan = rollbackPlanJson(answer.plan)
    if (!out.json) for (const line of [...rollbackLines(out, plan), '']) out.line(line)
    if (plan.refusal && !force) throw new CliError(exitCodes.wrongState, refusalText(plan))
    const loss = plan.withData ? await countLoss(session, client, { project, toBuild }, timeoutMs) : null
    if (loss && !out.json) out.line(out.paint('red', lossSentence(loss)))
    await requireConfirmed(`Take ${project}/${plan.environment} back?`, yes, signal)
    const request = { project, toBuild, withData, force, planSha256: plan.sha256 }
    const { runId, attached } = await boundToPlan(`fairway rollback ${project}`, () =>
      client.startRollback(request, { signal }),
    )
    return await followRelease(session, client, { project, runId, attached }, options, { plan, loss })
  },
})

/** 0: the release before. */
function buildOf({ to }: Options): number {
  if (to === undefined) return 0
  const name = parseBuildName([to])
  if (!name || name.project)
    throw usageError(`--to takes the number of a build; ${JSON.stringify(to)} is none.`)
  return name.number
}
