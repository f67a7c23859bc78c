import { formatTime } from '../../../lib/words/times.ts'
import { CredentialService } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import { type CredentialJson, credentialJson } from '../../json/credential.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list [project]',
  summary: 'List what builds present to which hosts; never passwords and private keys',
  examples: [
    ['fairway credential list acme', 'by kind and host'],
    [`fairway credential list acme --json | jq -r '.[].publicKey // empty'`, 'what git hosts have to know'],
  ],
  async run(session, [project]) {
    const client = await session.client(CredentialService)
    const name = project ?? (await onlyProject(session))
    const { credentials } = await client.listCredentials({ project: name }, { signal: session.signal })
    session.out.list<CredentialJson>(
      credentials.map(credentialJson),
      [
        { title: 'KIND', value: (row) => row.kind },
        { title: 'HOST', value: (row) => row.host, whole: true },
        { title: 'FORM', value: (row) => row.form },
        { title: 'USERNAME', value: (row) => row.username ?? '' },
        { title: 'VERSION', value: (row) => String(row.version), align: 'right' },
        { title: 'SET BY', value: (row) => row.setBy },
        { title: 'SET AT', value: (row) => formatTime(row.setAt) },
        { title: 'PUBLIC KEY', value: (row) => row.publicKey ?? '' },
      ],
      `There is no credential yet. Set one: fairway credential set ${name} git github.com --deploy-key`,
    )
    return undefined
  },
})
