import { usageError } from './errors.ts'
import { readSecretValue } from './secret-value.ts'

export interface CredentialOptions {
  username?: string
  passwordStdin?: boolean
  fromFile?: string
  sshKey?: string
  deployKey?: boolean
}

interface CredentialValue {
  readonly password?: string
  readonly sshKey?: string
  readonly deployKey?: boolean
}

/** What the options say to send; a password is asked for where they say nothing. Never from the command line. */
export async function readCredentialValue(
  host: string,
  options: CredentialOptions,
  signal: AbortSignal,
): Promise<CredentialValue> {
  const { passwordStdin, fromFile, sshKey, deployKey } = options
  const given = [passwordStdin, fromFile !== undefined, sshKey !== undefined, deployKey].filter(Boolean)
  if (given.length > 1) {
    throw usageError('Give one of --password-stdin, --from-file, --ssh-key and --deploy-key, not several.')
  }
  if (deployKey) return { deployKey }
  if (sshKey !== undefined) return { sshKey: await readSecretValue(host, sshKey, signal) }
  if (passwordStdin && process.stdin.isTTY) {
    throw usageError('--password-stdin reads standard input, which is a terminal. Leave it out to be asked.')
  }
  const password = await readSecretValue(`the password or token for ${host}`, fromFile, signal)
  // Editors end a file's last line; a password is one line.
  return { password: password.replace(/\r?\n$/, '') }
}
