import { createTaskGuard } from './authorization/guard.ts'
import type { AgentConfig } from './config.ts'
import { listContainerSecrets } from './containers/container-secrets.ts'
import { followRuntimeLogs } from './containers/runtime-logs.ts'
import { createIdentityStore } from './link/identity.ts'
import { runLink } from './link/link.ts'
import { createRedactor } from './link/redactor.ts'
import { openLinkStore } from './link/store.ts'
import { createLogger } from './logger.ts'
import { openServices, takeInventory } from './open-services.ts'
import { prepareHost } from './prepare-host.ts'
import { createTaskHandlers } from './tasks/registry.ts'
import { version } from './version.ts'

/**
 * The agent, until the signal is aborted. Containers are left as they are, whatever happens here: production does not
 * stop because its agent does.
 */
export async function runAgent(config: AgentConfig, signal: AbortSignal): Promise<void> {
  const redactor = createRedactor()
  const log = createLogger(config.logLevel, redactor.redact)
  const identities = createIdentityStore(config.directory)
  const identity = identities.read()
  if (!identity)
    throw new Error('This host has not joined yet: fairway-agent join <token> --server host:port')
  const store = openLinkStore(config.directory, config.spoolLimitBytes, redactor)
  try {
    const services = await openServices(config, identity.hostId, log)
    for (const secret of await listContainerSecrets(services.docker)) redactor.add(secret)
    await prepareHost(config, services, store.journal, log, signal)
    const following = followRuntimeLogs(services.docker, store.sink, log, signal)
    log.info({ host: identity.hostId, name: identity.hostName, version }, 'fairway agent ready')
    await runLink(
      {
        store,
        identities,
        handlers: createTaskHandlers(services),
        guard: createTaskGuard(services, store.authorizations, identity),
        inventory: () => takeInventory(services),
        agentVersion: version,
        servers: config.servers,
        shutdownGraceMs: config.shutdownGraceMs,
        log,
      },
      signal,
    )
    await following
  } finally {
    store.close()
  }
  log.info('fairway agent stopped')
}
