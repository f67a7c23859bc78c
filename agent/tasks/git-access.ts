import { join } from 'node:path'
import { parseAllowEntry } from '../egress/allow-list.ts'
import { openHostAccess } from '../git/host-access.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { Secrets, TaskContext } from './task.ts'

/** Progress of git, one line each, without its redrawing percentages. */
export function logGit(context: TaskContext): (line: string) => void {
  return (line) => {
    if (line && !/\d% \(/.test(line)) context.log('git', line)
  }
}

/**
 * The mirrors, presenting what is for git hosts among the task's secrets, and reaching what the project's policy allows.
 * Keys of ssh lie in the task's directory as long as it does.
 */
export async function openMirrors(
  mirrors: Mirrors,
  secrets: Secrets,
  networkAllow: readonly string[],
  context: Pick<TaskContext, 'project'>,
  directory: string,
): Promise<Mirrors> {
  const presents = Object.keys(secrets).some((name) => name.startsWith('git:'))
  if (!presents && networkAllow.length === 0) return mirrors
  const allow = networkAllow.map(parseAllowEntry)
  return mirrors.as(await openHostAccess(context.project, secrets, join(directory, 'keys'), allow))
}
