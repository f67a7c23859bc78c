import { createInterface } from 'node:readline/promises'
import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { connect } from '../../client.ts'
import { writeCredentials } from '../../credentials.ts'
import { usageError } from '../../errors.ts'
import { readStdin } from '../../stdin.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ token?: string }>({
  usage: 'login',
  summary: 'Keep a server’s address and a token for the commands to come',
  details:
    'The token is asked for, or read from standard input with `--token -`. It is checked before it is kept.',
  examples: [
    ['fairway login --server https://fairway.example', 'asks for the token'],
    [
      'fairway login --server http://127.0.0.1:7080 --token - < /var/lib/fairway/server/admin-token',
      'takes the first token, on the server’s own machine',
    ],
  ],
  async run({ out, server, settings, signal }, _, options) {
    const given = options.token === '-' ? await readStdin() : (options.token ?? (await ask(signal)))
    const token = given.trim()
    if (!/^ft_[\w-]+$/.test(token))
      throw usageError('A token looks like ft_…; the server’s owner has the first one.')
    const client = connect({ server, token })(IdentityService)
    const { organization, member, role } = await client.whoAmI({}, { signal })
    await writeCredentials(settings.credentialsFile, { server, token })
    if (out.json) out.printJson({ server, organization, member, role })
    else out.line(`Logged in to ${server} as ${member} (${role}) of ${organization}.`)
    return undefined
  },
})

async function ask(signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY)
    throw usageError('Give the token with --token, or on standard input with --token -.')
  const input = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await input.question('Token (ft_…): ', { signal })
  } finally {
    input.close()
  }
}
