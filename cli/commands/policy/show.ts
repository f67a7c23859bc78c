import { formatTime } from '../../../lib/words/times.ts'
import { PolicyService } from '../../../proto/gen/fairway/v1/policies_pb.js'
import { usageError } from '../../errors.ts'
import { policyJson } from '../../json/policy.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ source?: boolean }>({
  usage: 'show [project] [version]',
  summary: 'Show a project’s policy with every default',
  details:
    'Keys that this version of Fairway does not act on yet are marked; what they say is checked and kept. The schema of ' +
    'the file is docs/policy.schema.json.',
  examples: [
    ['fairway policy show acme', 'what holds now'],
    ['fairway policy show acme --source > policy.yaml', 'as it was written, comments included'],
    ['fairway policy show acme 3', 'a version that held before'],
  ],
  configure: (command) => command.option('--source', 'as it was written, without the defaults'),
  async run(session, [name, number = '0'], options) {
    const version = Number(number)
    if (!Number.isInteger(version) || version < 0)
      throw usageError(`${number} is no number of a version: see fairway policy history.`)
    const client = await session.client(PolicyService)
    const project = name ?? (await onlyProject(session))
    const { policy } = await client.getPolicy({ project, version }, { signal: session.signal })
    if (!policy) return undefined
    const { out } = session
    if (out.json) {
      out.printJson(policyJson(policy))
      return undefined
    }
    const { setBy, setAt } = policyJson(policy)
    out.note(
      policy.version === 0
        ? `${project} has no policy of its own: the defaults hold.`
        : `Version ${policy.version} of ${project}’s policy, set by ${setBy} at ${formatTime(setAt)}`,
    )
    out.verbatim((options.source ? policy.yaml : policy.effectiveYaml).trimEnd())
    return undefined
  },
})
