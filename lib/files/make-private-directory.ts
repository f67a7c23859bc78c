import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * A directory that only its owner enters, where there is none. The folders on the way there that are made with it are open to
 * be passed, whatever the umask: they are the ones of others as well, as `/var/lib/fairway` is of server and agent.
 */
export function makePrivateDirectory(path: string): void {
  const directory = resolve(path)
  const first = mkdirSync(dirname(directory), { recursive: true })
  if (first !== undefined)
    for (let at = dirname(directory); at.length >= first.length; at = dirname(at)) chmodSync(at, 0o755)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
}
