import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { formatAge } from '../../format.ts'
import { type RunJson, runJson } from '../../json/run.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ stuck?: boolean; limit?: string }>({
  usage: 'list [project]',
  summary: 'List runs of every kind, newest first',
  examples: [
    ['fairway run list acme', 'of a project'],
    ['fairway run list --stuck', 'those that fail to put things back, and wait for somebody'],
  ],
  configure: (command) => addLimit(command.option('--stuck', 'those only that are stuck')),
  async run(session, [project = ''], options) {
    const limit = limitOf(options)
    const client = await session.client(RunService)
    const request = { project, stuck: options.stuck, limit }
    const { runs } = await client.listRuns(request, { signal: session.signal })
    const { out } = session
    out.list<RunJson>(
      runs.map(runJson),
      [
        { title: 'RUN', value: (row) => row.id.slice(0, 8), whole: true },
        { title: 'KIND', value: (row) => row.kind },
        { title: 'ENVIRONMENT', value: (row) => `${row.project}/${row.environment ?? ''}` },
        {
          title: 'STATUS',
          value: (row) => (row.trouble ? 'stuck' : row.status),
          paint: (text) => paintWord(out.paint, text),
        },
        { title: 'CREATED', value: (row) => formatAge(row.createdAt) },
        { title: 'REASON', value: (row) => row.reason ?? '' },
      ],
      options.stuck
        ? 'No run is stuck.'
        : 'No runs yet. Push a branch, or: fairway build start PROJECT BRANCH',
    )
    return undefined
  },
})
