import { chmod, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { run } from '../../agent/process.ts'

const self = process.geteuid?.() ?? 0

/** Whose repositories on a host are: nothing is read as root, as which tests may run. */
export const repositoryOwner = self === 0 ? 64_001 : self

/** Links themselves, not what they lead to. */
export async function giveTo(path: string, owner = repositoryOwner): Promise<void> {
  await run('chown', ['-hR', `${owner}:${owner}`, path])
}

/** A bare copy that lies on this host as somebody's, with its branches as they are now and its default one. */
export async function placeCopy(of: string, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await run('rm', ['-rf', path])
  await run('git', ['clone', '--quiet', '--bare', '--no-hardlinks', of, path])
  await chmod(path, 0o755)
  await giveTo(path)
  return path
}
