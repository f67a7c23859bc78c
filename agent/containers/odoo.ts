import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { RuntimeSpec } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Connection } from '../cells/cells.ts'
import type { Cell } from '../storage/records.ts'
import { type Owner, type Secrets, type TaskContext, TaskError } from '../tasks/task.ts'
import { labelsOfOwner, ownerOfContainer } from './container-secrets.ts'
import { hasSpec, withSpec } from './container-spec.ts'
import {
  createContainer,
  type DockerHost,
  findContainer,
  listContainers,
  startContainer,
  stopAndRemove,
  tailLogs,
} from './docker.ts'
import { allowEgress } from './egress.ts'
import { requestHttp } from './http-request.ts'
import type { ImageFacts } from './image-facts.ts'
import { networkName } from './networks.ts'
import { databaseOptions, geventPort, httpPort, odooContainer } from './odoo-options.ts'

const readyWithinMs = 3 * 60_000
const pollMs = 50
/** Odoo ends requests that run when it is told to stop. */
export const stopGraceSeconds = 20

export function runtimeName(runtimeId: string): string {
  return `fairway-odoo-${runtimeId}`
}

/** Where a runtime is, for its proxy and for the agent itself. */
export interface RuntimePlace {
  runtimeId: string
  cellId: string
  environmentId: string
  container: string
  workers: number
  logStreamId: string
  /** Whose secrets are masked in its log. */
  owner: Owner
  running: boolean
}

export interface RuntimeSecrets {
  readonly owner: Owner
  readonly secrets: Secrets
}

/** The options of a runtime's container. */
export function runtimeContainer(
  host: DockerHost,
  runtime: RuntimeSpec,
  cell: Cell,
  connection: Connection,
  facts: ImageFacts,
  { owner, secrets }: RuntimeSecrets,
): Docker.ContainerCreateOptions {
  const options = odooContainer({
    cell,
    connection,
    facts,
    image: runtime.image,
    limits: runtime.resources,
    arguments: runtimeArguments(runtime, cell),
    ...(runtime.workers > 0 && { processes: runtimeProcesses(runtime, cell) }),
    secrets,
    variables: runtime.variables,
  })
  options.Hostname = 'odoo'
  options.StopTimeout = stopGraceSeconds
  options.HostConfig = {
    ...options.HostConfig,
    RestartPolicy: { Name: 'unless-stopped' },
    // Nobody is logged out when one runtime takes another's place.
    Mounts: [
      ...(options.HostConfig?.Mounts ?? []),
      { Type: 'bind', Source: cell.paths.sessions, Target: '/var/lib/odoo/sessions' },
    ],
  }
  return withSpec(
    host,
    options,
    { role: 'odoo', cell: cell.id, environment: runtime.environmentId, runtime: runtime.runtimeId },
    {
      ...labelsOfOwner(owner),
      'fairway.workers': String(runtime.workers),
      'fairway.log-stream': runtime.logStreamId,
    },
  )
}

/** With workers each is a process of its own, and so are scheduled jobs, of which one at a time is taken to be large. */
const runtimeProcesses = ({ workers }: RuntimeSpec, { stage }: Cell) =>
  workers + (stage === 'production' ? 1 : 0)

/** Scheduled jobs run in production only, whatever the request says: the stage is the cell's own record. */
function runtimeArguments(runtime: RuntimeSpec, cell: Cell): string[] {
  return [
    ...databaseOptions,
    '--proxy-mode',
    '--http-interface=0.0.0.0',
    `--http-port=${httpPort}`,
    `--gevent-port=${geventPort}`,
    `--workers=${runtime.workers}`,
    ...(cell.stage === 'production' ? [] : ['--max-cron-threads=0']),
  ]
}

/** Starts a runtime, or leaves one alone that runs with the same options. */
export async function ensureRuntime(
  host: DockerHost,
  options: Docker.ContainerCreateOptions,
  runtimeId: string,
  cell: Cell,
  context: TaskContext,
): Promise<void> {
  const name = runtimeName(runtimeId)
  const found = await findContainer(host, name)
  if (found && !hasSpec(found, options)) {
    await context.requireLease()
    await stopAndRemove(host, name, stopGraceSeconds)
  }
  await context.requireLease()
  const container = await createContainer(host, { ...options, name })
  // By the cell's own record: what is asked for can't open a clone's way out.
  if (cell.stage === 'production') await allowEgress(host, name)
  await startContainer(container)
}

/**
 * Polls a runtime's own health endpoint, which also asks its database, until it answers 200.
 *
 * @throws TaskError `runtime-failed` with the end of its log when it dies, `runtime-timeout` when it stays silent.
 */
export async function untilHealthy(host: DockerHost, runtimeId: string, signal: AbortSignal): Promise<void> {
  const name = runtimeName(runtimeId)
  const restarts = (await findContainer(host, name))?.RestartCount ?? 0
  const deadline = performance.now() + readyWithinMs
  let address = await findAddress(host, name)
  for (let attempt = 1; performance.now() < deadline; attempt++) {
    if (address && (await isHealthy(address, signal))) return
    if (attempt % 10 === 0) {
      const state = await findContainer(host, name)
      if (!state?.State.Running || state.State.Restarting || state.RestartCount > restarts)
        throw await failed(host, name, state)
      address = await findAddress(host, name)
    }
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  throw new TaskError(
    'runtime-timeout',
    `Odoo did not answer within ${readyWithinMs / 60_000} minutes; the end of its log: ${await logEnd(host, name)}`,
  )
}

async function isHealthy(address: string, signal: AbortSignal): Promise<boolean> {
  try {
    const url = `http://${address}:${httpPort}/web/health?db_server_status=1`
    return (await requestHttp(url, { timeoutMs: 5_000, signal })).status === 200
  } catch {
    signal.throwIfAborted()
    // Not listening yet, or still loading: asked again until the deadline.
    return false
  }
}

async function failed(
  host: DockerHost,
  name: string,
  state: Docker.ContainerInspectInfo | undefined,
): Promise<TaskError> {
  if (state?.State.OOMKilled)
    return new TaskError(
      'out-of-memory',
      'Odoo ran out of memory while starting: raise `memory` in fairway.yaml',
    )
  return new TaskError(
    'runtime-failed',
    `Odoo does not start; the end of its log: ${await logEnd(host, name)}`,
  )
}

async function logEnd(host: DockerHost, name: string): Promise<string> {
  return (await tailLogs(host, name, 5)).join(' / ').slice(-1500) || 'empty'
}

/** The address of a runtime on its cell's network, reachable from this host. */
export async function findAddress(host: DockerHost, name: string): Promise<string | undefined> {
  const found = await findContainer(host, name)
  const network = networkName(found?.Config.Labels['fairway.cell'] ?? '')
  return found?.NetworkSettings.Networks[network]?.IPAddress || undefined
}

/** Every runtime on this host, or those of one id. */
export async function listRuntimes(host: DockerHost, runtimeId?: string): Promise<RuntimePlace[]> {
  const containers = await listContainers(host, { role: 'odoo', ...(runtimeId && { runtime: runtimeId }) })
  return containers.map(({ Labels, Names, State }) => ({
    runtimeId: Labels['fairway.runtime'] ?? '',
    cellId: Labels['fairway.cell'] ?? '',
    environmentId: Labels['fairway.environment'] ?? '',
    container: (Names[0] ?? '').replace(/^\//, ''),
    workers: Number(Labels['fairway.workers'] ?? 0),
    logStreamId: Labels['fairway.log-stream'] ?? '',
    owner: ownerOfContainer(Labels),
    running: State === 'running',
  }))
}
