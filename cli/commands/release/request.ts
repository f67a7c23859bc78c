import { formatTime } from '../../../lib/words/times.ts'
import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { shortApproval, stateOf } from '../../approval/detail.ts'
import { type ApprovalJson, approvalJson } from '../../json/approval.ts'
import { textOf } from '../../json/values.ts'
import type { Output } from '../../output.ts'
import { boundToPlan, fetchPlan } from '../../release/fetch-plan.ts'
import { planHead, planRemarks } from '../../release/plan-lines.ts'
import { resolveRelease } from '../../release/resolve-release.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ note?: string }>({
  usage: 'request [project] [branch]',
  summary: 'Ask for the approval of one image and one plan',
  details:
    'The approval is bound to exactly what is shown: another image, plan or production makes it void. Nobody approves what ' +
    'they asked for themselves.',
  examples: [
    [
      'fairway release request acme release/1.0 --note "loyalty cards, ticket 812"',
      'shows it and asks for it',
    ],
    [
      'fairway release request acme --json | jq -r .approval.id',
      'its id, for a message to those who approve',
    ],
  ],
  configure: (command) => command.option('--note <text>', 'for those who approve'),
  async run(session, words, options) {
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const plan = await fetchPlan(client, await resolveRelease(session, words), signal)
    const { project, branch, sha256: planSha256 } = plan
    if (!out.json) for (const line of [...planHead(out, plan), ...planRemarks(out, plan), '']) out.line(line)
    const answer = await boundToPlan(`fairway release plan ${project} ${branch}`, () =>
      client.requestRelease({ project, branch, note: options.note, planSha256 }, { signal }),
    )
    const approval = answer.approval ? approvalJson(answer.approval) : null
    const promote = `fairway release promote ${project} ${branch}`
    if (out.json) {
      out.printJson({ plan, approval, runId: textOf(answer.runId) })
    } else if (answer.runId) {
      sayUnderWay(out, answer.runId, approval)
    } else if (!approval) {
      out.line('The policy asks for no approval.')
      out.note(`Next: ${promote}`)
    } else {
      out.line(
        `Approval ${shortApproval(approval)} is ${stateOf(approval)}; it is good until ${formatTime(approval.expiresAt)}.`,
      )
      if (approval.status === 'open') {
        out.note(`Next: somebody else looks and decides: fairway approval approve ${shortApproval(approval)}`)
      }
      out.note(`Then: ${promote}`)
    }
    return undefined
  },
})

/** A promotion rehearses, and asks, by itself. */
function sayUnderWay(out: Output, runId: string, approval: ApprovalJson | null): void {
  const short = approval && shortApproval(approval)
  out.line(
    `A promotion of exactly this is under way (run ${runId}): nothing new is asked for. ` +
      (approval ? `Its approval ${short} is ${stateOf(approval)}.` : 'It asks for its approval by itself.'),
  )
  if (approval?.status === 'open')
    out.note(`Next: somebody else looks and decides: fairway approval approve ${short}`)
  out.note(`Follow it: fairway run watch ${runId}`)
}
