import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { type EnvironmentJson, environmentJson } from '../../json/environment.ts'
import { listedStatus } from '../../kept-words.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ all?: boolean }>({
  usage: 'list [project]',
  summary: 'List the environments',
  examples: [
    ['fairway env list', 'of all projects'],
    [`fairway env list --json | jq -r '.[] | select(.stage == "staging").url'`, 'addresses of staging'],
  ],
  configure: (command) => command.option('--all', 'destroyed ones as well'),
  async run(session, [project = ''], options) {
    const client = await session.client(EnvironmentService)
    const request = { project, includeDestroyed: options.all === true }
    const { environments } = await client.listEnvironments(request, { signal: session.signal })
    const { out } = session
    out.list<EnvironmentJson>(
      environments.map(environmentJson),
      [
        { title: 'PROJECT', value: (row) => row.project },
        { title: 'NAME', value: (row) => row.name },
        { title: 'STAGE', value: (row) => row.stage ?? '' },
        {
          title: 'STATUS',
          value: listedStatus,
          paint: (text) => (text.includes(',') ? out.paint('red', text) : paintWord(out.paint, text)),
        },
        { title: 'BUILD', value: (row) => String(row.build ?? ''), align: 'right' },
        { title: 'BRANCH', value: (row) => row.branch },
        { title: 'URL', value: (row) => row.url ?? '', whole: true },
      ],
      'You see no environment. One begins with a push, or: fairway build start PROJECT BRANCH',
    )
    return undefined
  },
})
