import { formatTime } from '../../../lib/words/times.ts'
import { EvidenceService } from '../../../proto/gen/fairway/v1/evidence_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { type SigningKeyJson, signingKeyJson } from '../../json/evidence.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ rotate?: boolean; yes?: boolean; pem?: boolean }>({
  usage: 'keys',
  summary: 'Show the keys that evidence and audit checkpoints are signed with',
  asks: 'yes',
  details: 'Former keys stay valid for what they signed in their time.',
  examples: [
    ['fairway evidence keys', 'fingerprints, to compare with those of a bundle'],
    ['fairway evidence keys --rotate', 'new keys from now on'],
  ],
  configure: (command) =>
    command.option('--rotate', 'make new keys first').option('--pem', 'print the public keys themselves'),
  async run(session, _, options) {
    const client = await session.client(EvidenceService)
    if (options.rotate) {
      const question =
        'Sign with new keys from now on? Whoever pinned a fingerprint has to learn the new one.'
      await requireConfirmed(session, question, options.yes ?? false, {
        permission: 'evidence.rotate-keys',
      })
    }
    const { keys } = options.rotate
      ? await client.rotateSigningKeys({}, { signal: session.signal })
      : await client.listSigningKeys({}, { signal: session.signal })
    const { out } = session
    if (options.pem && !out.json) {
      for (const { purpose, publicKey } of keys) out.verbatim(`# ${purpose}\n${publicKey.trimEnd()}`)
      return undefined
    }
    out.list<SigningKeyJson>(
      keys.map(signingKeyJson),
      [
        { title: 'PURPOSE', value: (row) => row.purpose },
        { title: 'ALGORITHM', value: (row) => row.algorithm },
        { title: 'SHA-256', value: (row) => row.fingerprint, whole: true },
        { title: 'FROM', value: (row) => formatTime(row.validFrom) },
        { title: 'UNTIL', value: (row) => (row.validUntil ? formatTime(row.validUntil) : 'signs now') },
      ],
      'No keys yet: they are made when the first run ends.',
    )
    if (options.rotate && !out.json)
      out.note('New keys sign from now on; the former ones stay valid for what they signed.')
    return undefined
  },
})
