import { join } from 'node:path'
import { openHostAccess } from '../git/host-access.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { TaskContext } from './task.ts'

/** Progress of git, one line each, without its redrawing percentages. */
export function logGit(context: TaskContext): (line: string) => void {
  return (line) => {
    if (line && !/\d+% \(/.test(line)) context.log('git', line)
  }
}

/**
 * The mirrors, presenting what the task was given for git hosts. Keys of ssh lie in the task's directory as long as it
 * does.
 */
export async function openMirrors(
  mirrors: Mirrors,
  credentials: readonly { readonly name: string }[],
  context: TaskContext,
  directory: string,
): Promise<Mirrors> {
  const wanted = credentials.filter(({ name }) => name.startsWith('git:'))
  if (wanted.length === 0) return mirrors
  const secrets = await context.secrets(wanted)
  return mirrors.as(await openHostAccess(context.project, secrets, join(directory, 'keys')))
}
