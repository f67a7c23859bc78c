import { isIP } from 'node:net'
import type { Refusal } from '../egress/dial.ts'

export interface RefusalLog {
  add(refusal: Refusal): void
  summary(): string
}

const maxLines = 50

/**
 * Tells a build once of each address that it was refused. Of a name it does not tell which addresses it has, or whether it
 * has any: that is a question to the host's own name servers.
 */
export function createRefusalLog(write: (line: string) => void): RefusalLog {
  const told = new Set<string>()
  return {
    add({ host, port, why }) {
      const target = `${host}:${port}`
      if (told.has(target) || told.size >= maxLines) return
      told.add(target)
      const reason = isIP(host) ? why : 'it is not public, or does not exist'
      write(
        `the build was refused ${target}: ${reason}. To allow it, name it in network.allow of the policy; what belongs to the host itself, in FAIRWAY_NETWORK_ALLOW of its agent`,
      )
      if (told.size === maxLines) write('the build was refused more addresses, which are not listed')
    },
    summary: () => (told.size > 0 ? `the build was refused ${[...told].slice(0, 5).join(', ')}` : ''),
  }
}
