import { PolicyService } from '../../../proto/gen/fairway/v1/policies_pb.js'
import { usageError } from '../../errors.ts'
import { policyJson } from '../../json/policy.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ version?: string; source?: boolean }>({
  usage: 'show [project]',
  summary: 'Show a project’s policy with every default',
  details:
    'Keys that this version of Fairway does not act on yet are marked; what they say is checked and kept. The schema of\n' +
    'the file is docs/policy.schema.json.',
  examples: [
    ['fairway policy show acme', 'what holds now'],
    ['fairway policy show acme --source > policy.yaml', 'as it was written, comments included'],
    ['fairway policy show acme --version 3', 'one that held before'],
  ],
  configure: (command) =>
    command
      .option('--version <n>', 'another version than the one in force')
      .option('--source', 'as it was written, without the defaults'),
  async run(session, [name], options) {
    const version = Number(options.version ?? 0)
    if (!Number.isInteger(version) || version < 0) throw usageError('--version takes a number from 1.')
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
        : `Version ${policy.version} of ${project}’s policy, set by ${setBy} at ${setAt}`,
    )
    out.line((options.source ? policy.yaml : policy.effectiveYaml).trimEnd())
    return undefined
  },
})
