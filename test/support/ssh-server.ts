import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { run } from '../../agent/process.ts'
import { freePort } from './postgres.ts'
import { waitFor } from './wait-for.ts'

/** OpenSSH's own server, on 127.0.0.1, for keys that may do nothing but read repositories. */
export interface SshServer extends AsyncDisposable {
  /** `127.0.0.1:2222` */
  readonly host: string
  /** `ssh://root@127.0.0.1:2222/…/shop` of a repository in the served directory. */
  urlOf(repository: string): string
  /** A private key that is let in. */
  createKey(): Promise<string>
}

/** `served` holds bare repositories. Needs the package openssh-server (packaging/dev/setup.ts). */
export async function startSshServer(served: string): Promise<SshServer> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-sshd-'))
  const port = await freePort()
  const authorized = join(directory, 'authorized_keys')
  const keygen = (file: string) => run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  await keygen(join(directory, 'host'))
  await writeFile(authorized, '')
  // Where it is compiled to go after the start; init scripts make it elsewhere.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(directory, 'host')}`,
    `PidFile ${join(directory, 'pid')}`,
    `AuthorizedKeysFile ${authorized}`,
    'PermitRootLogin forced-commands-only',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'StrictModes no',
    'UsePAM no',
  ]
  await writeFile(join(directory, 'config'), `${settings.join('\n')}\n`)
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', join(directory, 'config')], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  ended.catch(() => undefined)
  await waitFor('sshd to listen', () => isListening(port, child))
  let keys = 0
  return {
    host: `127.0.0.1:${port}`,
    urlOf: (repository) => `ssh://${userInfo().username}@127.0.0.1:${port}${join(served, repository)}`,
    async createKey() {
      const file = join(directory, `key-${++keys}`)
      await keygen(file)
      const command = 'git shell -c \\"$SSH_ORIGINAL_COMMAND\\"'
      const line = `restrict,command="${command}" ${await readFile(`${file}.pub`, 'utf8')}`
      await writeFile(authorized, line, { flag: 'a' })
      return readFile(file, 'utf8')
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`sshd ended with exit code ${child.exitCode}`)
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
