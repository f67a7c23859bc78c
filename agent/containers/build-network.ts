import { createHash } from 'node:crypto'
import { type DockerHost, ifExists } from './docker.ts'
import { closeBridge, closeDoors, forgetBridge } from './firewall.ts'
import { ensureInternalNetwork, parseSubnet, type Range } from './networks.ts'

/** Of its subnet: 61 containers. */
const prefix = 26

export interface BuildNetwork {
  readonly name: string
  /** The host's interface. */
  readonly bridge: string
  /** The host's address on it. */
  readonly address: string
  readonly range: Range
}

const nameOf = (agentId: string) => `fairway-build-${agentId}`

/** At most 15 characters: Docker's own name for it would not tell whose it is. */
export const buildBridge = (agentId: string) =>
  `fwb-${createHash('sha256').update(nameOf(agentId)).digest('hex').slice(0, 10)}`

/**
 * The network that foreign code is on while packages are resolved and fetched: internal, and those on it do not reach each
 * other, nor the host, but for doors that are opened for a step. Made if it is missing: who prunes Docker's networks takes
 * it away while nothing is built.
 *
 * @throws TaskError `no-free-subnet`.
 */
export async function ensureBuildNetwork(host: DockerHost): Promise<BuildNetwork> {
  const name = nameOf(host.agentId)
  const bridge = buildBridge(host.agentId)
  const options = {
    'com.docker.network.bridge.enable_icc': 'false',
    'com.docker.network.bridge.name': bridge,
  }
  // First, so that nobody is ever on it without.
  await closeBridge(bridge)
  await ensureInternalNetwork(host, { name, key: name, prefix, options }, {})
  const { IPAM } = await host.docker.getNetwork(name).inspect()
  const { Gateway: address = '', Subnet: subnet = '' } = IPAM?.Config?.[0] ?? {}
  return { name, bridge, address, range: parseSubnet(subnet) }
}

/** Brings the firewall to where nothing is built, when an agent starts. */
export async function closeBuildNetwork(host: DockerHost): Promise<void> {
  await closeBridge(buildBridge(host.agentId))
  await closeDoors(buildBridge(host.agentId))
}

/** When an agent is removed from its host. Idempotent. */
export async function removeBuildNetwork(host: DockerHost): Promise<void> {
  await ifExists(host.docker.getNetwork(nameOf(host.agentId)).remove())
  await forgetBridge(buildBridge(host.agentId))
}
