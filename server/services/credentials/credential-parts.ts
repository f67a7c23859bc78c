import type { SetCredentialRequest } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import { invalid } from '../../errors.ts'
import type { CredentialKind, CredentialPart } from '../../governance/secrets/credentials.ts'
import { makeDeployKey, parseSshKey } from './ssh-key.ts'

const maxPasswordBytes = 8 * 1024
const maxKeyBytes = 32 * 1024

/** Git hosts and package indexes that take a token take it under any name; these are the customary ones. */
const usernames: Record<CredentialKind, string> = { git: 'x-access-token', python: '__token__', registry: '' }

export type Parts = ReadonlyMap<CredentialPart, string>

/**
 * What is kept of a request. Throws `invalid-credential` when it is not one of password, SSH key and deploy key,
 * `invalid-username`, `invalid-password`, `invalid-ssh-key`; never says a value.
 */
export function partsOf(
  kind: CredentialKind,
  host: string,
  wanted: Pick<SetCredentialRequest, 'project' | 'username' | 'password' | 'sshKey' | 'deployKey'>,
): Parts {
  const given = [wanted.password !== '', wanted.sshKey !== '', wanted.deployKey].filter(Boolean).length
  if (given !== 1) {
    throw invalid(
      'credential',
      'Give one of the three: a password or token, an SSH key, or ask for a deploy key.',
    )
  }
  if (wanted.password !== '') return passwordParts(kind, wanted.username, wanted.password)
  if (kind !== 'git') {
    throw invalid('credential', `SSH keys are for git hosts: a ${kind} host takes a username and a password.`)
  }
  if (wanted.username !== '') {
    throw invalid(
      'username',
      'An SSH key goes without a username: the repository’s address has it, as in git@host.',
    )
  }
  if (Buffer.byteLength(wanted.sshKey) > maxKeyBytes) {
    throw invalid('ssh-key', `The SSH key is refused. It is larger than ${maxKeyBytes / 1024} KiB.`)
  }
  const { privateKey, publicKey } = wanted.deployKey
    ? makeDeployKey(`fairway ${wanted.project} ${host}`)
    : parseSshKey(wanted.sshKey)
  return new Map([
    ['SSH_KEY', privateKey],
    ['PUBLIC_KEY', publicKey],
  ])
}

function passwordParts(kind: CredentialKind, given: string, password: string): Parts {
  const username = given || usernames[kind]
  if (!username) throw invalid('username', 'A registry asks for a username beside the password: give one.')
  if (username.length > 200 || !/^[\x21-\x39\x3b-\x7e]+$/.test(username)) {
    throw invalid('username', 'A username has at most 200 printable characters, no space and no colon.')
  }
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw invalid('password', `The password has more than ${maxPasswordBytes} bytes.`)
  }
  // They end up in a header or in a line of a file; a line end within would begin another.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x1f\x7f]/.test(password)) {
    throw invalid(
      'password',
      'The password holds a control character, a line end maybe. Give it as one line.',
    )
  }
  return new Map([
    ['USERNAME', username],
    ['PASSWORD', password],
  ])
}
