import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TaskError } from '../tasks/task.ts'
import { createNetwork, type DockerHost, ifExists, type Purpose } from './docker.ts'

/** A cell's network has 13 addresses for containers: PostgreSQL, Odoo old and new, tasks, proxy. */
const PREFIX = 28

/** A range of IPv4 addresses, both ends included. */
export interface Range {
  first: number
  last: number
}

export function networkName(cellId: string): string {
  return `fairway-cell-${cellId}`
}

/**
 * The network of a cell: internal (no way out, none to other cells), made if it is missing. Its subnet is cut from our
 * own range by explicit addresses, since Docker's default pools are used up after about 31 networks.
 *
 * @returns its name.
 * @throws TaskError `no-free-subnet` when the whole range is taken.
 */
export async function ensureCellNetwork(
  host: DockerHost,
  cellId: string,
  environmentId: string,
): Promise<string> {
  const name = networkName(cellId)
  const purpose = { cell: cellId, environment: environmentId }
  await ensureInternalNetwork(host, { name, key: cellId, prefix: PREFIX, options: {} }, purpose)
  return name
}

export interface InternalNetwork {
  readonly name: string
  /** Where in our range the search for a subnet begins. */
  readonly key: string
  /** Length of its subnet's prefix. */
  readonly prefix: number
  /** Of Docker's bridge driver. */
  readonly options: Readonly<Record<string, string>>
}

/**
 * A network without a way out, in a subnet of our own range, made if it is missing. The bridge has the first address.
 *
 * @throws TaskError `no-free-subnet` when the whole range is taken.
 */
export async function ensureInternalNetwork(
  host: DockerHost,
  { name, key, prefix, options }: InternalNetwork,
  purpose: Purpose,
): Promise<void> {
  if (await ifExists(host.docker.getNetwork(name).inspect())) return
  const taken = await takenRanges(host)
  for (const subnet of freeSubnets(host.networkRange, taken, key, prefix)) {
    const config = { Subnet: subnet, Gateway: formatAddress(parseSubnet(subnet).first + 1) }
    try {
      await createNetwork(
        host,
        { Name: name, Internal: true, Options: options, IPAM: { Driver: 'default', Config: [config] } },
        purpose,
      )
      return
    } catch (error) {
      // Someone else was faster, with this subnet for another network.
      if (!/overlap/i.test((error as Error).message)) throw error
    }
  }
  throw new TaskError(
    'no-free-subnet',
    `every /${prefix} of ${host.networkRange} is taken: give the agent another network range`,
  )
}

/** Removes a cell's network, throwing out whoever is still on it (the proxy). */
export async function removeCellNetwork(host: DockerHost, cellId: string): Promise<void> {
  const network = host.docker.getNetwork(networkName(cellId))
  const found = await ifExists(network.inspect())
  if (!found) return
  for (const container of Object.keys(found.Containers ?? {})) {
    await ifExists(network.disconnect({ Container: container, Force: true }))
  }
  await ifExists(network.remove())
}

/** Cell networks of this agent, by the id of their cell. */
export async function listCellNetworks(host: DockerHost): Promise<Map<string, string>> {
  const networks = await host.docker.listNetworks({
    filters: { label: [`fairway.agent=${host.agentId}`, 'fairway.cell'] },
  })
  return new Map(networks.map((network) => [network.Labels?.['fairway.cell'] ?? '', network.Name]))
}

async function takenRanges(host: DockerHost): Promise<Range[]> {
  const networks = await host.docker.listNetworks()
  const subnets = networks
    .flatMap((network) => network.IPAM?.Config ?? [])
    .map((config) => config.Subnet ?? '')
  return [
    ...subnets.filter((subnet) => !subnet.includes(':') && subnet).map(parseSubnet),
    ...(await hostRoutes()),
  ]
}

/** Docker does not check an explicit subnet against the host's own routes. */
async function hostRoutes(): Promise<Range[]> {
  const table = await readFile('/proc/net/route', 'utf8')
  return parseRoutes(table)
}

/** Lines of /proc/net/route: destination in the second field, mask in the eighth, little-endian hexadecimal. */
export function parseRoutes(table: string): Range[] {
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .map((fields) => ({ first: littleEndian(fields[1] ?? '0'), mask: littleEndian(fields[7] ?? '0') }))
    .filter(({ mask }) => mask !== 0)
    .map(({ first, mask }) => ({ first, last: first + (0xffff_ffff - mask) }))
}

function littleEndian(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE()
}

export function parseSubnet(cidr: string): Range {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  const [a, b, c, d, prefix] = (match ?? []).slice(1).map(Number)
  if (a === undefined || b === undefined || c === undefined || d === undefined || prefix === undefined) {
    throw new Error(`not an IPv4 subnet: ${cidr}`)
  }
  const size = 2 ** (32 - prefix)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  const first = address - (address % size)
  return { first, last: first + size - 1 }
}

/** Free subnets of a range, beginning at a place that depends on the key, so that two agents seldom meet. */
export function* freeSubnets(
  range: string,
  taken: readonly Range[],
  key: string,
  prefix = PREFIX,
): Generator<string> {
  const size = 2 ** (32 - prefix)
  const { first, last } = parseSubnet(range)
  const count = Math.floor((last - first + 1) / size)
  const start = createHash('sha256').update(key).digest().readUInt32BE() % count
  for (let step = 0; step < count; step += 1) {
    const address = first + ((start + step) % count) * size
    const overlaps = taken.some((other) => address <= other.last && address + size - 1 >= other.first)
    if (!overlaps) yield `${formatAddress(address)}/${prefix}`
  }
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}
