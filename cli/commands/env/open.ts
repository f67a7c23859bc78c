import { Option } from 'commander'
import { EnvironmentService, FailedCode } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { addRunOptions, type RunOptions } from '../../environment-run.ts'
import { usageError } from '../../errors.ts'
import { lifetimeOf } from '../../lifetime-option.ts'
import { openEnvironment } from '../../open-environment.ts'
import { openFailed } from '../../open-failed.ts'
import { resolveEnvironment, resolveRun } from '../../resolve.ts'
import { verb } from '../../verb.ts'

interface Options extends RunOptions {
  readonly failed?: string
  readonly code?: keyof typeof codes
  readonly for?: string
}

const codes = { before: FailedCode.BEFORE, failed: FailedCode.FAILED } as const

export const command = verb<Options>({
  usage: 'open [environment...]',
  summary: 'Print an environment’s address and how to sign in, and open it where there is a browser',
  details:
    'With --failed: a neutralized copy of the data that a failed update of production left is made first, in an environment ' +
    'of its own; --code says what runs on it.\n' +
    'It is gone after four hours, or what --for says; what is kept of the update is only read.',
  examples: [
    ['fairway env open acme/feature/hello', '$BROWSER or xdg-open, on a terminal only'],
    [
      'fairway env open acme/failed-41',
      'the preview of build 41, whose tests failed, where the policy keeps it',
    ],
    ['fairway env open --failed 0193bd02 --for 8h', 'what that promotion left when it failed'],
  ],
  configure: (command) =>
    addRunOptions(
      command
        .option('--failed <run>', 'open what the update of that run left in production')
        .addOption(
          new Option(
            '--code <which>',
            'what runs on it: what production served before, or what failed',
          ).choices(Object.keys(codes)),
        )
        .option('--for <time>', 'how long it stays open, such as 90m or 8h (default: 4h, most: 72h)'),
    ),
  async run(session, words, { failed, code, for: time, ...options }) {
    if (failed === undefined) {
      if (code !== undefined || time !== undefined) throw usageError('--code and --for go with --failed.')
      const environment = await resolveEnvironment(session, words)
      await openEnvironment(session, environment)
      return undefined
    }
    if (words.length > 0) throw usageError('--failed names a run: name no environment beside it.')
    const client = await session.client(EnvironmentService)
    const request = {
      ...(await resolveRun(session, [failed])),
      code: codes[code ?? 'before'],
      lifetimeSeconds: lifetimeOf('--for', time),
    }
    return await openFailed(session, await client.openFailed(request, { signal: session.signal }), options)
  },
})
