import { createHash } from 'node:crypto'
import { createNetwork, type DockerHost, ifExists, joinNetwork } from './docker.ts'
import { egressPrefix } from './firewall.ts'

/**
 * The way out for production: its mail, payments and other services are real. A cell's own network is internal, so
 * everything that is not on this network as well reaches nothing. Those on it cannot reach each other through it.
 *
 * @returns its name.
 */
async function ensureEgressNetwork(host: DockerHost): Promise<string> {
  const name = `fairway-egress-${host.agentId}`
  if (await ifExists(host.docker.getNetwork(name).inspect())) return name
  await createNetwork(host, {
    Name: name,
    Options: {
      'com.docker.network.bridge.enable_icc': 'false',
      // Docker's own name for it would not tell whose it is; at most 15 characters.
      'com.docker.network.bridge.name': `${egressPrefix}${createHash('sha256').update(name).digest('hex').slice(0, 10)}`,
    },
  })
  return name
}

/** Puts a container that has been made and not started on the way out; one that is there already is fine. */
export async function allowEgress(host: DockerHost, container: string): Promise<void> {
  await joinNetwork(host, await ensureEgressNetwork(host), container)
}
