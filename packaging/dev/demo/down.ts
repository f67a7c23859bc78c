import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { home } from '../home.ts'
import { removePool } from '../pool.ts'
import { step } from '../progress.ts'
import { demoPool, describeStack } from './demo-stack.ts'
import { say, title } from './say.ts'

/** Stops the demo; unless its data are kept, nothing of it is left: containers, networks, mounts, files. */
export async function down({ keepData }: { keepData: boolean }): Promise<void> {
  title('Take the demo down')
  const stack = describeStack(join(home, demoPool.name))
  await step('stop server, agent and git server', () => stack.stop())
  if (keepData) {
    say('Its data and containers stay; `npm run demo -- --no-push` starts it again.')
    return
  }
  await step('remove containers and networks', async () => {
    await stack.removeContainers()
    await stack.removeFirewallRule()
  })
  await step('remove databases and files', async () => {
    await removePool(demoPool)
    await stack.removeFiles()
    await rm(fileURLToPath(new URL('../../../.fairway', import.meta.url)), { recursive: true, force: true })
  })
  say('Gone. Debian packages, Docker and images stay, for the next time.')
}
