import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/**
 * Addresses of this host, and the networks of Docker's bridges. The kernel's table has those of interfaces that are down,
 * too, and the host answers at them.
 */
export function readOwnAddresses(): { addresses: string[]; containerNetworks: string[] } {
  const addresses = parseLocalRoutes(readFileSync('/proc/net/fib_trie', 'utf8'))
  const containerNetworks: string[] = []
  for (const [name, assigned = []] of Object.entries(networkInterfaces()))
    for (const { address, cidr } of assigned) {
      addresses.push(address)
      if (cidr && !cidr.startsWith('fe80') && /^(docker\d+|br-[0-9a-f]{12})$/.test(name))
        containerNetworks.push(cidr)
    }
  return { addresses: [...new Set(addresses)], containerNetworks }
}

/** `|-- 172.17.0.1` and below it `/32 host LOCAL`. */
export function parseLocalRoutes(table: string): string[] {
  return [...table.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].map(
    ([, address = '']) => address,
  )
}
