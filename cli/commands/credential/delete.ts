import { CredentialService } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ yes?: boolean }>({
  usage: 'delete <project> <kind> <host>',
  summary: 'Delete what builds present to a host, all versions of it',
  asks: 'yes',
  details: 'The host still takes it: end the token there, or the deploy key.',
  examples: [['fairway credential delete acme git github.com', 'asks on a terminal']],
  async run(session, [project = '', kind = '', host = ''], options) {
    const { out, signal } = session
    const client = await session.client(CredentialService)
    const named = `the ${kind} credential for ${host} of ${project}`
    const needs = { permission: 'credential.set', project }
    await requireConfirmed(session, `Delete ${named}?`, options.yes === true, needs)
    await client.deleteCredential({ project, kind, host }, { signal })
    if (out.json) out.printJson({ project, kind, host, deleted: true })
    else out.line(`${named[0]?.toUpperCase()}${named.slice(1)} is deleted.`)
    return undefined
  },
})
