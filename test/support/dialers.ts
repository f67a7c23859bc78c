import { createAddressRules } from '../../agent/egress/addresses.ts'
import { parseAllowEntry } from '../../agent/egress/allow-list.ts'
import { createDialer, type DialerOptions } from '../../agent/egress/dial.ts'

/** The checked way out of a host whose operator lists those: the servers of tests are on 127.0.0.1. */
export function createLoopbackDialer(
  networkAllow: readonly string[] = ['127.0.0.1'],
  options: Partial<DialerOptions> = {},
) {
  const rules = createAddressRules({ operator: networkAllow.map(parseAllowEntry), containerNetworks: [] })
  return createDialer({ rules, ...options })
}
