import { formatDuration } from '../../../lib/words/durations.ts'
import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { formatAge } from '../../format.ts'
import { type BuildJson, buildJson } from '../../json/build.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ branch?: string; limit?: string }>({
  usage: 'list [project]',
  summary: 'List builds, newest first',
  examples: [
    ['fairway build list acme --branch release/1.0', 'of one branch'],
    [`fairway build list --json | jq '.[] | select(.result == "red")'`, 'the red ones'],
  ],
  configure: (command) => addLimit(command.option('--branch <branch>', 'of this branch only')),
  async run(session, [project = ''], options) {
    const limit = limitOf(options)
    const client = await session.client(BuildService)
    const request = { project, branch: options.branch, limit }
    const { builds } = await client.listBuilds(request, { signal: session.signal })
    const { out } = session
    out.list<BuildJson>(
      builds.map(buildJson),
      [
        { title: 'BUILD', value: (row) => `${row.project}/${row.number}`, whole: true },
        { title: 'BRANCH', value: (row) => row.branch },
        { title: 'STAGE', value: (row) => row.stage ?? '' },
        { title: 'STATUS', value: (row) => row.status, paint: (text) => paintWord(out.paint, text) },
        { title: 'RESULT', value: (row) => row.result ?? '', paint: (text) => paintWord(out.paint, text) },
        { title: 'COMMIT', value: (row) => (row.commit ?? '').slice(0, 10) },
        {
          title: 'TOOK',
          value: (row) => (row.startedAt ? formatDuration(row.durationMs) : ''),
          align: 'right',
        },
        { title: 'CREATED', value: (row) => formatAge(row.createdAt) },
        { title: 'REASON', value: (row) => row.reason ?? '' },
      ],
      'No builds. Push a branch, or: fairway build start PROJECT BRANCH',
    )
    return undefined
  },
})
