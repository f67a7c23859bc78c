import { didYouMean } from '../../../lib/words/nearest.ts'
import { CredentialService } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import { requireAllowed } from '../../confirm.ts'
import { type CredentialOptions, readCredentialValue } from '../../credential-value.ts'
import { usageError } from '../../errors.ts'
import { credentialJson } from '../../json/credential.ts'
import { verb } from '../../verb.ts'

export const command = verb<CredentialOptions>({
  usage: 'set <project> <kind> <host>',
  summary: 'Set what builds present to a git host, a registry or a package index',
  details:
    'The kind is git, registry or python; the host is a name, with a port where it has its own. A password or token is ' +
    'asked for, or read from standard input or a file; never taken from the command line. Builds that begin afterwards ' +
    'present it to that host and to no other.',
  examples: [
    [
      'fairway credential set acme git github.com --deploy-key',
      'makes a key, and prints what the host has to know',
    ],
    [
      'fairway credential set acme git git.example:2222 --ssh-key id_ed25519',
      'a key of your own, without passphrase',
    ],
    ['pass show ghcr | fairway credential set acme registry ghcr.io --username acme', 'a token'],
    ['fairway credential set acme python pypi.example', 'asks for the token'],
  ],
  configure: (command) => {
    command
      .option(
        '--username <name>',
        'beside the password (git: x-access-token, python: __token__ where left out)',
      )
      .option('--password-stdin', 'read the password from standard input')
      .option('--from-file <path>', 'read the password from a file')
      .option('--ssh-key <path>', 'a private key without passphrase, in OpenSSH’s or PEM form; for git')
      .option('--deploy-key', 'let the server make a key; for git')
  },
  async run(session, [project = '', kind = '', host = ''], options) {
    const { out, signal } = session
    requireKind(kind)
    if (/[/:]{2,}|\s/.test(host))
      throw usageError(
        `${JSON.stringify(host)} is no host: give its name alone, as in git.example or git.example:2222.`,
      )
    if (kind === 'registry' && !options.username)
      throw usageError('A registry asks for a username as well: give it with --username.')
    await requireAllowed(session, { permission: 'credential.set', project })
    const client = await session.client(CredentialService)
    const value = await readCredentialValue(host, options, signal)
    const request = { project, kind, host, username: options.username, ...value }
    const { credential, maskingNote } = await client.setCredential(request, { signal })
    if (!credential) return undefined
    const json = credentialJson(credential)
    if (out.json) return void out.printJson(maskingNote ? { ...json, maskingNote } : json)
    if (maskingNote) out.note(maskingNote)
    const named = `The ${kind} credential for ${host} of ${project} is at version ${json.version}.`
    if (!json.publicKey) return void out.line(named)
    out.note(`${named} Let ${host} know this key, as a deploy key that may only read:`)
    out.verbatim(json.publicKey)
    return undefined
  },
})

const kinds = ['git', 'registry', 'python']

/** Before a password is asked for: it would be typed for nothing. */
function requireKind(kind: string): void {
  if (kinds.includes(kind)) return
  const hint = didYouMean(kind, kinds)
  throw usageError(`${JSON.stringify(kind)} is no kind of credential: they are ${kinds.join(', ')}.${hint}`)
}
