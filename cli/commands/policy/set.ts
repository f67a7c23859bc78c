import { PolicyService } from '../../../proto/gen/fairway/v1/policies_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { usageError } from '../../errors.ts'
import { policyVersionJson } from '../../json/policy.ts'
import { changeLines, readPolicyFile } from '../../policy-file.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ file?: string; expect?: string; yes?: boolean }>({
  usage: 'set <project>',
  summary: 'Put a new version of a project’s policy in force',
  asks: 'yes',
  details:
    'Every fault of the file is named, and nothing is changed by one that has any. Approvals that are open are judged by ' +
    'the new version when they are used.',
  examples: [
    ['fairway policy set acme -f policy.yaml', 'shows on a terminal what is different, and asks'],
    ['fairway policy set acme -f policy.yaml --expect 3 --yes', 'only if version 3 is still in force'],
  ],
  configure: (command) =>
    command
      .requiredOption('-f, --file <path>', 'the policy; - reads standard input')
      .option('--expect <version>', 'refuse if another version is in force'),
  async run(session, [project = ''], options) {
    const { out, signal } = session
    const yaml = await readPolicyFile(options.file ?? '')
    const client = await session.client(PolicyService)
    const { policy: inForce } = await client.getPolicy({ project }, { signal })
    const expected = options.expect === undefined ? inForce?.version : Number(options.expect)
    if (expected === undefined || !Number.isInteger(expected) || expected < 0) {
      throw usageError('--expect takes the number of a version.')
    }
    const tested = await client.testPolicy({ project, yaml }, { signal })
    if (!out.json) for (const line of changeLines(tested.changes)) out.note(line)
    if (inForce && tested.changes.length === 0) {
      if (out.json) out.printJson({ ...policyVersionJson(inForce), changes: [] })
      else out.note(`Version ${inForce.version} of ${project}’s policy says the same and stays in force.`)
      return undefined
    }
    const needs = { permission: 'policy.set', project }
    await requireConfirmed(session, `Set this policy for ${project}?`, options.yes === true, needs)
    const request = { project, yaml, expectedVersion: expected }
    const { policy, changes } = await client.setPolicy(request, { signal })
    if (!policy) return undefined
    if (out.json) out.printJson({ ...policyVersionJson(policy), changes })
    else out.line(`Version ${policy.version} of ${project}’s policy is in force.`)
    return undefined
  },
})
