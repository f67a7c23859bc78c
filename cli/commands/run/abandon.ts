import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { runJson } from '../../json/run.ts'
import { resolveRunId } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ reason?: string; yes?: boolean }>({
  usage: 'abandon <run...>',
  summary: 'Give up a run that fails to put things back',
  details: 'It ends red, and leaves as it is what it was to put back: `fairway run show` says what.',
  asks: 'yes',
  examples: [['fairway run abandon 1f0c2a9e --reason "the disk is lost" --yes', 'the reason is kept']],
  configure: (command) => command.option('--reason <text>', 'why; kept in the audit log'),
  async run(session, words, { reason = '', yes = false }) {
    if (reason.trim() === '') throw usageError('Say why the run is given up: --reason TEXT')
    const client = await session.client(RunService)
    const runId = await resolveRunId(session, words)
    const known = await client.getRun({ runId }, { signal: session.signal })
    const { project, environment, finishedAt } = known.run ?? {}
    if (finishedAt)
      throw new CliError(
        exitCodes.wrongState,
        'The run has ended: there is nothing left to give up. Look at it: fairway run show ' + runId,
      )
    const question = 'Give the run up, and leave things as they are, half put back?'
    await requireConfirmed(session, question, yes, { permission: 'run.abandon', project, environment })
    const { run } = await client.abandonRun({ runId, reason }, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson(run ? runJson(run) : null)
    else out.line(`The run is given up. What it leaves: fairway run show ${runId}`)
    return undefined
  },
})
