import { approveDeployment } from './governance.ts'
import { command } from './say.ts'
import type { Stack } from './stack.ts'

/** What release managers do with what staging runs: one asks, another one approves. Neither may be who made their access. */
export async function showRelease(
  asker: Stack,
  approver: Stack,
  project: string,
  branch: string,
): Promise<void> {
  const show = async (...words: string[]) => {
    command(`fairway release ${words.join(' ')}`)
    const exitCode = await asker.show('release', ...words)
    if (exitCode !== 0) throw new Error(`fairway release ${words.join(' ')} exited with ${exitCode}`)
  }
  await show('plan', project, branch)
  await show('rehearse', project, branch)
  await show('request', project, branch, '--note', 'Gold from 800 points')
  await approveDeployment(approver, project)
  await show('promote', project, branch, '--yes')
  await show('history', project)
}
