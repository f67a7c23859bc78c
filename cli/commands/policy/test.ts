import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { PolicyService } from '../../../proto/gen/fairway/v1/policies_pb.js'
import { usageError } from '../../errors.ts'
import { parseTime } from '../../format.ts'
import { changeLines, readPolicyFile } from '../../policy-file.ts'
import { onlyProject } from '../../resolve.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ file?: string; at?: string }>({
  usage: 'test [project]',
  summary: 'Say what a policy would let happen, without setting it',
  examples: [
    ['fairway policy test acme', 'the policy in force, now'],
    ['fairway policy test acme -f policy.yaml', 'a file, and what it would change'],
    ['fairway policy test acme --at 2026-12-24T18:00:00+01:00', 'in a freeze?'],
  ],
  configure: (command) =>
    command
      .option('-f, --file <path>', 'a policy instead of the one in force; - reads standard input')
      .option('--at <time>', 'another moment than now: RFC 3339'),
  async run(session, [name], options) {
    const at = options.at === undefined ? new Date() : parseTime(options.at)
    if (!at) throw usageError('--at takes a time with its zone, such as 2026-12-24T18:00:00+01:00.')
    const yaml = options.file === undefined ? '' : await readPolicyFile(options.file)
    if (options.file !== undefined && yaml.trim() === '') throw usageError(`${options.file} is empty.`)
    const client = await session.client(PolicyService)
    const project = name ?? (await onlyProject(session))
    const request = { project, yaml, at: timestampFromDate(at) }
    const { outcomes, changes } = await client.testPolicy(request, { signal: session.signal })
    const { out } = session
    const rows = outcomes.map(({ action, verdict, explanation }) => ({ action, verdict, explanation }))
    if (out.json) {
      out.printJson({ project, at: at.toISOString(), outcomes: rows, changes })
      return undefined
    }
    out.list(
      rows,
      [
        { title: 'ACTION', value: (row) => row.action, whole: true },
        {
          title: 'VERDICT',
          value: (row) => row.verdict,
          whole: true,
          paint: (text) => paintWord(out.paint, text),
        },
        { title: 'EXPLANATION', value: (row) => row.explanation },
      ],
      '',
    )
    if (options.file !== undefined) {
      out.line()
      out.line('Different from the policy in force:')
      for (const line of changeLines(changes)) out.line(line)
    }
    return undefined
  },
})
