import { createTaskGuard } from './authorization/guard.ts'
import { countingTasks, createIdleness } from './bases/idleness.ts'
import { keepBases } from './bases/keep-bases.ts'
import type { AgentConfig } from './config.ts'
import { listContainerSecrets } from './containers/container-secrets.ts'
import { followRuntimeLogs } from './containers/runtime-logs.ts'
import { createIdentityStore } from './link/identity.ts'
import { runLink } from './link/link.ts'
import { createLogSink } from './link/log-sink.ts'
import { createRedactors } from './link/redactors.ts'
import { openLinkStore } from './link/store.ts'
import { createLogger } from './logger.ts'
import { createLook } from './look/look.ts'
import { openServices, takeInventory } from './open-services.ts'
import { prepareHost } from './prepare-host.ts'
import { createTaskHandlers } from './tasks/registry.ts'
import type { Owner } from './tasks/task.ts'
import { version } from './version.ts'

/**
 * The agent, until the signal is aborted. Containers are left as they are, whatever happens here: production does not
 * stop because its agent does.
 */
export async function runAgent(config: AgentConfig, signal: AbortSignal): Promise<void> {
  const redactors = createRedactors()
  const log = createLogger(config.logLevel, redactors.host.redact)
  const identities = createIdentityStore(config.directory)
  const identity = identities.read()
  if (!identity)
    throw new Error('This host has not joined yet: fairway-agent join <token> --server host:port')
  const store = openLinkStore(config.directory, config.spoolLimitBytes, redactors)
  try {
    const services = await openServices(config, identity.hostId, log)
    redactors.addOwn(identity.key)
    for (const { owner, values } of await listContainerSecrets(services.docker)) {
      for (const value of values) redactors.add(owner, value)
    }
    await prepareHost(config, services, store.journal, log, signal)
    const sinkOf = (owner: Owner) => createLogSink(store.spool, redactors.of(owner))
    const following = followRuntimeLogs(services.docker, sinkOf, log, signal)
    const idleness = createIdleness(config.baseIdleMs)
    const keeping = config.baseIdleMs > 0 ? keepBases(services, idleness, log, signal) : undefined
    log.info({ host: identity.hostId, name: identity.hostName, version }, 'fairway agent ready')
    await runLink(
      {
        store,
        identities,
        handlers: countingTasks(createTaskHandlers(services), idleness),
        look: createLook(services, redactors, log),
        guard: createTaskGuard(services, store.authorizations, identity),
        onWelcome(images) {
          // What is idle looks again afterwards for what is missing.
          idleness
            .during(() => services.bases.expect(images, signal))
            .catch((error: unknown) => log.warn({ err: error }, 'what bases will be asked for is not known'))
        },
        inventory: () => takeInventory(services),
        agentVersion: version,
        servers: config.servers,
        shutdownGraceMs: config.shutdownGraceMs,
        log,
      },
      signal,
    )
    await Promise.all([following, keeping])
  } finally {
    store.close()
  }
  log.info('fairway agent stopped')
}
