import { type BuildNetwork, ensureBuildNetwork } from '../containers/build-network.ts'
import type { DockerHost } from '../containers/docker.ts'
import { closeDoor, openDoor } from '../containers/firewall.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import type { Dialer, Refusal } from '../egress/dial.ts'
import { openGateway } from '../egress/gateway.ts'
import type { PythonIndex } from '../requirements/index-credentials.ts'
import type { TaskContext, TaskError } from '../tasks/task.ts'
import { indexError } from './index-faults.ts'
import { createIndexRelay } from './index-relay.ts'
import { serveIndex } from './index-server.ts'
import { createRefusalLog } from './refusal-log.ts'

/** What a container needs to fetch packages, and what became of it. */
export interface PackageAccess {
  /** Docker's name for the network to be on. */
  readonly network: string
  /** That tells programs of the proxy. Not secret: good for this step and on this network. */
  readonly environment: Readonly<Record<string, string>>
  /** Where pip finds the index that was asked for; undefined: at what the image's pip knows, by the proxy. */
  readonly indexUrl?: string
  /** What programs say of our addresses, in terms of those that they stand for. */
  translate(text: string): string
  /** What kept the index from answering, if anything did. */
  indexError(): TaskError | undefined
  /** Addresses that the step was refused, in words; empty where it was refused none. */
  refusals(): string
}

export interface PackageRequest {
  /** `network.allow` of the project's policy. */
  readonly allow: readonly AllowEntry[]
  readonly index?: PythonIndex
}

export type PackageTask = Pick<TaskContext, 'log' | 'signal'>

/** The way of foreign code to what is public, and to no more: see `use`. */
export interface PackageSources {
  /**
   * Opens a gateway for one step and closes it afterwards, whatever happens. A container on its network reaches nothing
   * else, and nobody else uses it: each step has ports and credentials of its own, which the log is written by.
   */
  use<T>(task: PackageTask, request: PackageRequest, step: (access: PackageAccess) => Promise<T>): Promise<T>
}

export function createPackageSources(host: DockerHost, dialer: Dialer): PackageSources {
  let ready: Promise<BuildNetwork> | undefined
  // One after another: rules that are put in twice would stand before doors that are open.
  const ensureNetwork = () => {
    const next = () => ensureBuildNetwork(host)
    ready = ready ? ready.then(next, next) : next()
    return ready
  }

  return {
    async use(task, { allow, index }, step) {
      const network = await ensureNetwork()
      await using open = new AsyncDisposableStack()
      const refusals = createRefusalLog((line) => task.log('fairway', line))
      const onRefusal = (refusal: Refusal) => refusals.add(refusal)
      const client = { listenOn: network.address, allow, onRefusal }
      const gateway = open.use(await openGateway(dialer, client, task.signal))
      await openTo(gateway.port, network, open)
      const relay =
        index?.url && open.use(createIndexRelay(dialer, index, allow, ({ refusal }) => onRefusal(refusal)))
      const server = relay ? open.use(await serveIndex(relay, network.address)) : undefined
      if (server) await openTo(server.port, network, open)
      return await step({
        network: network.name,
        environment: proxyEnvironment(gateway.url, network.address),
        ...(server && { indexUrl: `${server.base}/simple` }),
        translate: (text) => (relay && server ? relay.translate(text, server.base) : text),
        indexError: () => (relay ? indexError(relay.faults) : undefined),
        refusals: () => refusals.summary(),
      })
    },
  }
}

async function openTo(port: number, { bridge, address }: BuildNetwork, open: AsyncDisposableStack) {
  const door = { bridge, address, port }
  await openDoor(door)
  open.defer(() => closeDoor(door))
}

/** Both spellings: curl reads one of them, others the other. */
function proxyEnvironment(proxy: string, gateway: string): Record<string, string> {
  const direct = `${gateway},localhost,127.0.0.1`
  const lower = { http_proxy: proxy, https_proxy: proxy, no_proxy: direct }
  const upper = Object.entries(lower).map(([name, value]) => [name.toUpperCase(), value])
  return { ...lower, ...Object.fromEntries(upper) }
}
