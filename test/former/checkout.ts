import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../packaging/dev/command.ts'

/** The last whose runs had no place for what they asked for. */
export const formerCommit = '8ad86a36c9c6c6220caaf3f70b79bce8ec88e0e0'

const here = fileURLToPath(new URL('../../', import.meta.url))

/** Why the former server cannot be had here; undefined: it can. */
export async function whyNoFormer(): Promise<string | undefined> {
  try {
    await run('git', ['cat-file', '-e', `${formerCommit}^{commit}`], { cwd: here })
    return undefined
  } catch {
    return `the history of this checkout does not reach back to ${formerCommit.slice(0, 7)}`
  }
}

export interface FormerCheckout extends AsyncDisposable {
  readonly directory: string
}

/** All of the former commit, with this folder in it and the packages of today. */
export async function checkOutFormer(): Promise<FormerCheckout> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-former-'))
  const archive = join(directory, 'former.tar')
  await run('git', ['archive', '--output', archive, formerCommit], { cwd: here })
  await run('tar', ['-xf', archive, '-C', directory])
  await symlink(join(here, 'node_modules'), join(directory, 'node_modules'))
  await cp(fileURLToPath(new URL('.', import.meta.url)), join(directory, 'test', 'former'), {
    recursive: true,
  })
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}
