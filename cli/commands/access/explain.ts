import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { usageError } from '../../errors.ts'
import { textOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'explain <member> <words...>',
  summary: 'Tell whether somebody may do something, and by which rule',
  details:
    'The words are [project] [environment] <permission>; the environment is its name, its branch’s, or a stage.\n' +
    'Everybody may ask about themselves. The answer is printed; the exit code is 0 either way.',
  examples: [
    ['fairway access explain ana acme production shell', 'may ana open a shell in acme’s production?'],
    ['fairway access explain ana acme policy.set', 'in the whole project'],
    ['fairway access explain ana host.join', 'in the organization'],
  ],
  async run(session, [member = '', ...words]) {
    if (words.length > 3) throw usageError('Give [project] [environment] <permission>, in this order.')
    const permission = words.pop() ?? ''
    const [project = '', environment = ''] = words
    const client = await session.client(MemberService)
    const request = { member, project, environment, permission }
    const answer = await client.explainAccess(request, { signal: session.signal })
    const { out } = session
    const considered = answer.considered.map(({ rule, allows }) => ({ rule, allows }))
    const { allowed, rule } = answer
    if (out.json) {
      out.printJson({ ...request, allowed, rule, considered, approval: textOf(answer.approval) })
      return undefined
    }
    const where = [project, environment].filter(Boolean).join(' ')
    out.line(
      `${allowed ? 'Yes' : 'No'}: ${member} ${allowed ? 'may' : 'may not'} ${permission}${where && ` in ${where}`}.`,
    )
    out.line(`Because ${rule}.`)
    for (const each of considered) out.line(`  ${each.allows ? '✓' : '✗'} ${each.rule}`)
    if (answer.approval) out.line(`Policy: ${answer.approval}`)
    return undefined
  },
})
