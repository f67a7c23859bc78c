import { formatTime } from '../../../lib/words/times.ts'
import { SecretService } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import { type SecretJson, secretJson } from '../../json/secret.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list [project]',
  summary: 'List the secrets: names and versions, never values',
  examples: [
    ['fairway secret list acme', 'with the environments that still run with an older version'],
    [
      `fairway secret list acme --json | jq -r '.[] | select(.staleEnvironments != []).name'`,
      'what has to be renewed',
    ],
  ],
  async run(session, [project]) {
    const client = await session.client(SecretService)
    const name = project ?? (await onlyProject(session))
    const { secrets } = await client.listSecrets({ project: name }, { signal: session.signal })
    session.out.list<SecretJson>(
      secrets.map(secretJson),
      [
        { title: 'NAME', value: (row) => row.name },
        { title: 'SCOPE', value: (row) => row.scope ?? 'project' },
        { title: 'VERSION', value: (row) => String(row.version), align: 'right' },
        { title: 'SET BY', value: (row) => row.setBy },
        { title: 'SET AT', value: (row) => formatTime(row.setAt) },
        { title: 'OLDER IN', value: (row) => row.staleEnvironments.join(', ') },
      ],
      `There is no secret yet. Set one: fairway secret set ${name} NAME --stage production`,
    )
    return undefined
  },
})
