import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostNames } from '../../lib/addresses/git-url.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import { TaskError } from '../tasks/task.ts'
import type { Presented } from './command.ts'

/** What a project presents to git hosts: to each what is for it, and nothing to any other; and which it may reach. */
export interface HostAccess {
  /** Who alone may see what was fetched by presenting something, or from where others may not reach. */
  readonly project: string
  /** Of its policy. */
  readonly networkAllow: readonly AllowEntry[]
  presentedTo(url: string): Presented | undefined
}

interface Credential {
  username?: string
  password?: string
  sshKeyFile?: string
}

/**
 * From the secrets `git:<host>/USERNAME`, `git:<host>/PASSWORD` and `git:<host>/SSH_KEY`. A host with a port other than
 * the protocol's is named with it. Private keys are written to `directory`, which belongs to the task and goes with it.
 * Throws TaskError `credential-invalid`.
 */
export async function openHostAccess(
  project: string,
  secrets: Readonly<Record<string, string>>,
  directory: string,
  networkAllow: readonly AllowEntry[] = [],
): Promise<HostAccess> {
  const credentials = new Map<string, Credential>()
  for (const [name, value] of Object.entries(secrets)) {
    const [, host = '', part] = /^git:([^/]+)\/(USERNAME|PASSWORD|SSH_KEY)$/.exec(name) ?? []
    if (!part || value === '') continue
    const key = host.toLowerCase()
    const credential = credentials.get(key) ?? {}
    credentials.set(key, credential)
    if (part === 'SSH_KEY') credential.sshKeyFile = await keepKey(directory, key, value)
    else credential[part === 'USERNAME' ? 'username' : 'password'] = requireLine(host, value)
  }
  return {
    project,
    networkAllow,
    presentedTo(url) {
      const { protocol, origin, names } = hostNames(url)
      const credential = names.map((name) => credentials.get(name)).find((found) => found !== undefined)
      if (!credential) return undefined
      const { username = 'git', password, sshKeyFile } = credential
      if (protocol === 'ssh') return sshKeyFile ? { kind: 'ssh-key', file: sshKeyFile } : undefined
      return password === undefined ? undefined : { kind: 'password', origin, username, password }
    },
  }
}

/** git's protocol for credentials ends a value with its line. */
function requireLine(host: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/[\x00\r\n]/.test(value)) return value
  throw new TaskError('credential-invalid', `the credential for ${host} is more than one line: set it again`)
}

async function keepKey(directory: string, host: string, key: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, createHash('sha256').update(host).digest('hex').slice(0, 16))
  // OpenSSH takes no key whose last line does not end.
  await writeFile(file, `${key.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600, flag: 'wx' })
  return file
}
