import { PolicyService } from '../../../proto/gen/fairway/v1/policies_pb.js'
import { formatAge } from '../../format.ts'
import { type PolicyVersionJson, policyVersionJson } from '../../json/policy.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'history [project]',
  summary: 'List the versions of a project’s policy, newest first',
  details: 'What each of them changed is in the audit log: fairway audit list --action policy.set',
  examples: [['fairway policy history acme', 'who set which version when']],
  async run(session, [name]) {
    const client = await session.client(PolicyService)
    const project = name ?? (await onlyProject(session))
    const { versions } = await client.listPolicyVersions({ project }, { signal: session.signal })
    session.out.list<PolicyVersionJson>(
      versions.map(policyVersionJson),
      [
        { title: 'VERSION', value: (row) => String(row.version), align: 'right' },
        { title: 'SET BY', value: (row) => row.setBy ?? '' },
        { title: 'SET', value: (row) => formatAge(row.setAt) },
        { title: 'SHA-256', value: (row) => row.sha256 ?? '' },
      ],
      `${project} has no policy of its own: the defaults hold. Set one: fairway policy set ${project} -f FILE`,
    )
    return undefined
  },
})
