import { approveDeployment } from './governance.ts'
import { command } from './say.ts'
import type { Stack } from './stack.ts'

/** What a release manager does with what staging runs. */
export async function showRelease(
  stack: Stack,
  manager: Stack,
  project: string,
  branch: string,
): Promise<void> {
  const show = async (...words: string[]) => {
    command(`fairway release ${words.join(' ')}`)
    const exitCode = await stack.show('release', ...words)
    if (exitCode !== 0) throw new Error(`fairway release ${words.join(' ')} exited with ${exitCode}`)
  }
  await show('plan', project, branch)
  await show('rehearse', project, branch)
  await show('request', project, branch, '--note', 'Gold from 800 points')
  await approveDeployment(manager, project)
  await show('promote', project, branch, '--yes')
  await show('history', project)
}
