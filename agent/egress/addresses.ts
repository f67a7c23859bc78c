import ip from 'ipaddr.js'
import { type AllowEntry, matches, type Target, unwrap } from './allow-list.ts'
import { readOwnAddresses } from './own-addresses.ts'

/**
 * What an address is, by who may open it: anybody reaches `public` ones; `private` ones need an entry of the project's
 * policy or of the host's configuration; the host itself, its containers, and what lies on its link (cloud metadata)
 * one of the host's configuration; `impossible` ones are no single machine's and never reached.
 */
export type AddressKind = 'public' | 'private' | 'host' | 'container' | 'link' | 'impossible'

export interface AddressRules {
  kindOf(address: string): AddressKind
  /**
   * What keeps the target from being reached, in words; undefined when it may be. `policy` is what the project's policy
   * lists (`network.allow`); what the host's configuration lists is known already.
   */
  refusalOf(target: Target, policy: readonly AllowEntry[]): string | undefined
  /** Whether an entry names the target with its very port. */
  namesPort(target: Target, policy: readonly AllowEntry[]): boolean
}

export interface AddressRulesOptions {
  /** What the host's operator lists (`FAIRWAY_NETWORK_ALLOW`). */
  operator: readonly AllowEntry[]
  /** Networks of this agent's containers, `10.213.0.0/16`. */
  containerNetworks: readonly string[]
  /** Read for each decision: interfaces come and go. */
  ownAddresses?: () => { addresses: readonly string[]; containerNetworks: readonly string[] }
}

export function createAddressRules(options: AddressRulesOptions): AddressRules {
  const { operator, ownAddresses = readOwnAddresses } = options
  const configured = options.containerNetworks.map((network) => ip.parseCIDR(network))

  function kindOf(address: string): AddressKind {
    const parsed = unwrap(ip.parse(address))
    const inner = embeddedIn(parsed)
    if (inner) return kindOf(inner)
    const special = kinds.find(([, ranges]) => ranges.some((range) => within(parsed, range)))?.[0]
    if (special === 'impossible' || special === 'host') return special
    const own = ownAddresses()
    const text = parsed.toString()
    if (own.addresses.some((each) => unwrap(ip.parse(each)).toString() === text)) return 'host'
    const containers = [...configured, ...own.containerNetworks.map((network) => ip.parseCIDR(network))]
    if (containers.some((range) => within(parsed, range))) return 'container'
    return special ?? 'public'
  }

  return {
    kindOf,
    refusalOf(target, policy) {
      const kind = kindOf(target.address)
      if (kind === 'public') return undefined
      const allowed = kind === 'impossible' ? [] : kind === 'private' ? [...operator, ...policy] : operator
      return allowed.some((entry) => matches(entry, target)) ? undefined : refusals[kind]
    },
    namesPort: (target, policy) =>
      [...operator, ...policy].some((entry) => entry.port === target.port && matches(entry, target)),
  }
}

const refusals = {
  private: 'a private address',
  host: 'an address of this host itself',
  container: "an address of this host's containers",
  link: 'an address of the link or of cloud metadata',
  impossible: 'an address that no single machine has',
} as const

type Range = [ip.IPv4 | ip.IPv6, number]

/**
 * From the special-purpose registries of IANA (RFC 6890) and the clouds' manuals. Ranges of documentation are left out:
 * nothing is there, or somebody has put it there on purpose.
 */
const kinds: readonly [Exclude<AddressKind, 'public' | 'container'>, Range[]][] = (
  [
    // 0.0.0.0 is this host to Linux; what is reserved could be anything one day.
    [
      'impossible',
      ['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'ff00::/8', '100::/64', '2001::/32'],
    ],
    ['host', ['127.0.0.0/8', '::1/128']],
    // Metadata beyond 169.254.169.254: Oracle's, Azure's, Alibaba's, AWS's and Google's.
    ['link', ['169.254.0.0/16', 'fe80::/10', '192.0.0.0/24', '168.63.129.16/32', '100.100.100.200/32']],
    ['link', ['fd00:ec2::254/128', 'fd20:ce::254/128']],
    ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15']],
    ['private', ['fc00::/7', 'fec0::/10', '64:ff9b:1::/48']],
  ] as const
).map(([kind, ranges]) => [kind, ranges.map((range) => ip.parseCIDR(range))])

/** IPv4 that gateways of a network make of an IPv6 address: NAT64, 6to4, translated and compatible forms. */
function embeddedIn(address: ip.IPv4 | ip.IPv6): string | undefined {
  if (address.kind() === 'ipv4') return undefined
  const bytes = address.toByteArray()
  if (within(address, sixToFour)) return bytes.slice(2, 6).join('.')
  const lastFour = wrappers.some((range) => within(address, range)) && bytes.slice(12).join('.')
  // :: and ::1 are what they are.
  return lastFour && !/^0\.0\.0\.[01]$/.test(lastFour) ? lastFour : undefined
}

const sixToFour = ip.parseCIDR('2002::/16')
const wrappers = ['64:ff9b::/96', '::ffff:0:0:0/96', '::/96'].map((range) => ip.parseCIDR(range))

const within = (address: ip.IPv4 | ip.IPv6, range: Range) =>
  address.kind() === range[0].kind() && address.match(range)
