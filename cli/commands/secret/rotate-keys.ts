import { SecretService } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'rotate-keys',
  summary: 'Seal all secrets anew, under a new data key of the organization',
  details: 'The values stay, and nothing has to be started again.',
  examples: [['fairway secret rotate-keys', 'as a habit, or when a data key may be known']],
  async run(session) {
    const client = await session.client(SecretService)
    const { resealed, keyVersion } = await client.rotateKeys({}, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson({ resealed, keyVersion })
    else out.line(`${resealed} values are sealed under data key ${keyVersion}.`)
    return undefined
  },
})
