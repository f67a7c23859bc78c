import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { rehearsalJson } from '../../json/rehearsal.ts'
import { rehearsalLines } from '../../release/rehearsal-lines.ts'
import { resolveRelease } from '../../release/resolve-release.ts'
import { findRunNamed } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'rehearsal [release-or-run...]',
  summary: 'Show a rehearsal again: the one that a release goes by, or that of a run',
  details:
    'A release is named by project and branch, a run by its id or the first digits of it: of a rehearsal, or of a promotion that made its own.',
  examples: [
    ['fairway release rehearsal acme release/1.0', 'the newest of the plan as it is now'],
    ['fairway release rehearsal 0193c2f4-5a6b-7c8d-9e0f-0000000000a1', 'the one that an approval names'],
  ],
  async run(session, words) {
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const [first = ''] = words
    const runId = words.length === 1 ? await findRunNamed(session, first) : undefined
    const wanted = runId ? { runId } : await resolveRelease(session, words)
    const { rehearsal } = await client.getRehearsal(wanted, { signal })
    if (!rehearsal) {
      const next = 'project' in wanted ? ` Rehearse it: fairway release rehearse ${wanted.project}` : ''
      throw new CliError(exitCodes.notFound, `There is no rehearsal of it that counts.${next}`)
    }
    const json = rehearsalJson(rehearsal)
    if (out.json) out.printJson(json)
    else for (const line of rehearsalLines(out, json)) out.line(line)
    return undefined
  },
})
