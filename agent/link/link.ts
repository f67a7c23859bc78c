import { randomUUID } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampNow } from '@bufbuild/protobuf/wkt'
import { credentials } from '@grpc/grpc-js'
import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'
import {
  type ControlResponse,
  HelloSchema,
  InventorySchema,
  type Welcome,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createWitness } from '../audit/witness.ts'
import type { TaskGuard } from '../authorization/guard.ts'
import type { Logger } from '../logger.ts'
import type { LookAtRepository } from '../look/look.ts'
import { keepCertificateFresh } from './certificate-renewal.ts'
import { type Connection, type ConnectionEvents, keepConnected } from './connection.ts'
import type { Identity, IdentityStore } from './identity.ts'
import { createLeaseRenewal } from './lease-renewal.ts'
import { createLeases } from './leases.ts'
import { createLogSender } from './log-sender.ts'
import { pause, within } from './pause.ts'
import { protocolMax, protocolMin } from './protocol.ts'
import { explainRefusal } from './refusal.ts'
import { createSecretSource } from './secret-source.ts'
import { isDiskFault } from './state-database.ts'
import type { LinkStore } from './store.ts'
import { createTaskRunner, type TaskHandlers } from './task-runner.ts'
import { createUnmaskedSecrets } from './unmasked-secrets.ts'

export type Inventory = MessageInitShape<typeof InventorySchema>

export interface LinkOptions {
  readonly store: LinkStore
  readonly identities: IdentityStore
  readonly handlers: TaskHandlers
  readonly guard: TaskGuard
  /** A server took this host up, and says what its projects build on. */
  readonly onWelcome?: (welcome: Welcome) => void
  /** Without one, servers do not ask for it. */
  readonly look?: LookAtRepository
  /** Asked at start and every minute; servers hear of it when it changed. */
  readonly inventory: () => Promise<Inventory>
  readonly agentVersion: string
  /** Instead of the addresses in the identity. */
  readonly servers?: readonly string[]
  /** For running tasks, once the signal is aborted. */
  readonly shutdownGraceMs: number
  readonly log: Logger
}

/** In Hello: this agent answers `Look`. */
export const lookCapability = 'look'

const inventoryMs = 60_000
const resendMs = 10_000
const keepClosedMs = 7 * 24 * 3_600_000
/** For results of tasks that ended during the grace to be acknowledged. */
const farewellMs = 2_000

/**
 * The agent's side of the link, until the signal is aborted: then no new work, a grace for what runs, and everything
 * unfinished stays in the journal. Rejects only when this host never joined.
 */
export async function runLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { store, log, identities } = options
  const { journal, spool } = store
  const joined = identities.read()
  if (!joined) throw new Error('This host has not joined yet: fairway-agent join <token> --server host:port')
  let identity: Identity = joined
  const bootId = randomUUID()
  let inventory = await options.inventory()

  const connections = new Set<Connection>()
  const leases = createLeases()
  const renewal = createLeaseRenewal(journal, leases)
  const logSender = createLogSender(spool, log)
  const witness = createWitness(store.auditCheckpoints, log)
  const secrets = createSecretSource(store.redactors, log)
  const runner = createTaskRunner({
    ...store,
    secrets,
    unmasked: createUnmaskedSecrets(),
    leases,
    handlers: options.handlers,
    guard: options.guard,
    log,
    onResult: (result) => connections.values().next().value?.send({ case: 'result', value: result }),
  })

  const sendResults = (connection: Connection) => {
    for (const result of journal.unacknowledgedResults()) connection.send({ case: 'result', value: result })
  }
  const onWelcome = (connection: Connection, welcome: Welcome) => {
    const { fenced, sessionId } = welcome
    options.onWelcome?.(welcome)
    log.info({ server: connection.address, session: sessionId, fenced: fenced.length }, 'link established')
    for (const ref of fenced) runner.fence(ref)
    connections.add(connection)
    sendResults(connection)
    renewal.connected(connection)
    logSender.connected(connection)
    secrets.connected(connection)
  }
  const onMessage = (connection: Connection, message: ControlResponse['message']) => {
    if (message.case === 'offer') {
      runner.offer(message.value, (reply) => connection.send(reply.message))
    } else if (message.case === 'cancel' && message.value.task) {
      runner.cancel(message.value.task, message.value.reason)
    } else if (message.case === 'grant') {
      renewal.granted(connection, message.value)
      for (const ref of message.value.fenced) runner.fence(ref)
    } else if (message.case === 'resultAck' && message.value.task) {
      if (!message.value.accepted) log.warn({ task: message.value.task.taskId }, 'a stale result was refused')
      runner.acknowledged(message.value.task)
    } else if (message.case === 'checkpoint') {
      const answer = witness.take(message.value)
      if (answer) connection.send({ case: 'checkpointAck', value: answer })
    } else if (message.case === 'look') {
      void options.look?.(message.value, signal).then((value) => connection.send({ case: 'looked', value }))
    }
  }
  const events: ConnectionEvents = {
    hello: () =>
      create(HelloSchema, {
        protocolMin,
        protocolMax,
        agentVersion: options.agentVersion,
        bootId,
        capabilities: [...capabilitiesOf(options.handlers), ...(options.look ? [lookCapability] : [])],
        inventory: create(InventorySchema, inventory),
        journal: journal.listOpen().map(({ taskId, epoch }) => ({ taskId, epoch })),
        checkpointSize: witness.keptSize(),
        clock: timestampNow(),
      }),
    credentials: () => credentialsOf(identity),
    explain: (status) => explainRefusal(status, identity),
    onWelcome: survivingDiskFaults(log, onWelcome),
    onMessage: survivingDiskFaults(log, onMessage),
    onClosed(connection) {
      connections.delete(connection)
      renewal.closed(connection)
      logSender.closed(connection)
      secrets.closed(connection)
    },
  }

  const stop = new AbortController()
  const dialled = new Map<string, { loop: Promise<void>; leave: AbortController }>()
  const dial = (addresses: readonly string[]) => {
    for (const [address, { leave }] of dialled) {
      if (addresses.includes(address)) continue
      leave.abort()
      dialled.delete(address)
    }
    for (const address of addresses) {
      if (dialled.has(address)) continue
      const leave = new AbortController()
      const until = AbortSignal.any([stop.signal, leave.signal])
      dialled.set(address, { loop: keepConnected(address, events, log, until), leave })
    }
  }
  const addressesOf = (known: Identity) => (options.servers?.length ? options.servers : known.servers)
  const renewing = keepCertificateFresh(
    {
      identity: () => ({ ...identity, servers: addressesOf(identity) }),
      credentials: () => credentialsOf(identity),
      onRenewed(renewed) {
        identities.write(renewed)
        identity = renewed
        for (const connection of connections) connection.restart()
        dial(addressesOf(renewed))
      },
      log,
    },
    stop.signal,
  )
  const resending = setInterval(() => {
    for (const connection of connections) return sendResults(connection)
  }, resendMs)
  const looking = setInterval(() => {
    options.inventory().then(
      (latest) => {
        if (JSON.stringify(latest, bigintAsText) === JSON.stringify(inventory, bigintAsText)) return
        inventory = latest
        for (const { send } of connections) {
          send({ case: 'inventory', value: create(InventorySchema, latest) })
        }
      },
      (error: unknown) => log.warn({ err: error }, 'the inventory could not be taken'),
    )
  }, inventoryMs)

  journal.purge(Date.now() - keepClosedMs)
  store.authorizations.purge(Date.now() - keepClosedMs)
  runner.resume()
  dial(addressesOf(identity))

  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info('draining')
  await runner.drain(options.shutdownGraceMs)
  const enough = new AbortController()
  const farewell = async () => {
    while (!enough.signal.aborted && connections.size > 0 && journal.unacknowledgedResults().length > 0) {
      await pause(50, enough.signal)
    }
  }
  await within(farewellMs, farewell())
  enough.abort()
  clearInterval(resending)
  clearInterval(looking)
  renewal.stop()
  logSender.stop()
  stop.abort()
  await Promise.allSettled([renewing, ...[...dialled.values()].map(({ loop }) => loop)])
}

const capabilitiesOf = (handlers: TaskHandlers): string[] =>
  (Object.keys(handlers) as TaskKind[]).map((kind) => taskKinds[kind].capability)

const credentialsOf = ({ authority, key, certificate }: Identity) =>
  credentials.createSsl(Buffer.from(authority), Buffer.from(key), Buffer.from(certificate))

const bigintAsText = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

/** A disk that takes no writes must not end the agent: servers repeat what was not taken. */
function survivingDiskFaults<A extends unknown[]>(
  log: Logger,
  handle: (...args: A) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      handle(...args)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      log.error({ err: error }, 'a message could not be recorded: the disk takes no writes')
    }
  }
}
