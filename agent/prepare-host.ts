import type { AgentConfig } from './config.ts'
import { closeBuildNetwork } from './containers/build-network.ts'
import { closeHostTo } from './containers/firewall.ts'
import type { Journal } from './link/journal.ts'
import type { Logger } from './logger.ts'
import { adoptOldRecords } from './neutralize/adopt.ts'
import type { AgentServices } from './services.ts'
import { collectTaskOrphans } from './tasks/leftovers.ts'

/**
 * Brings the host to where tasks may run, after whatever ended the agent before: environments and builds can't reach the host,
 * what tasks left that nobody takes up again is gone, and databases that ran before a reboot run again. Open tasks
 * find what is theirs.
 */
export async function prepareHost(
  config: AgentConfig,
  services: AgentServices,
  journal: Journal,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  await closeHostTo(config.subnet)
  await closeBuildNetwork(services.docker)
  const open = new Map(journal.listOpen().map(({ taskId, epoch }) => [taskId, epoch]))
  const orphans = [
    ...(await services.cells.collectOrphans({ isBusy: () => false }, signal)),
    ...(await collectTaskOrphans(services, (taskId, epoch) => open.get(taskId) === epoch)),
  ]
  if (orphans.length > 0) log.info({ orphans }, 'removed what crashed tasks had left')
  // Only now every cell has its content where its database looks for it.
  const { recovered, failed } = await services.cells.recoverAfterBoot(signal)
  if (recovered.length > 0) log.info({ recovered }, 'databases started again after a reboot')
  for (const { cellId, error } of failed)
    log.error({ err: error, cell: cellId }, 'the database of a cell does not start')
  const raw = await adoptOldRecords(services, signal)
  if (raw.length > 0) log.warn({ raw }, 'these cells may hold raw data of production: build them again')
  // Without the proxy tasks can still run; the next change of a route starts it.
  await services.proxy
    .ensure(signal)
    .catch((error: unknown) => log.error({ err: error }, 'the proxy is not up'))
}
