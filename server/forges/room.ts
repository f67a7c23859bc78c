import { isIP } from 'node:net'
import ip from 'ipaddr.js'

const mebibyte = 1024 * 1024

/** Of each body, what counts as small. Most deliveries have a tenth of it. */
const smallBytes = mebibyte

/** What bodies may hold at one time, in bytes. Reading, checking and parsing one takes a few times its size. */
export const roomBytes = {
  /** All of them, small ones as well. */
  all: 128 * mebibyte,
  /** What goes beyond a small one, of each: large ones leave room for the others. */
  large: 75 * mebibyte,
  /** Those of one sender: the largest there is, and a few beside it. */
  sender: 32 * mebibyte,
} as const

/** Which of them would be passed. */
export type FullRoom = keyof typeof roomBytes

export interface Place {
  /** The body has that many bytes by now. Where there is no room for them they are not held, and it says why. */
  readonly hold: (bytes: number) => FullRoom | undefined
  /** Nothing of it is held any more. */
  readonly leave: () => void
}

/**
 * Bounds what bodies of deliveries take of the server's memory while nobody knows yet who sent them. No address has more
 * than its share, so that a few of them do not close the door to the others.
 */
export function createRoom(): { enter: (address: string) => Place } {
  const held = { all: 0, large: 0 }
  const heldBySender = new Map<string, number>()
  return {
    enter(address) {
      const sender = senderOf(address)
      let own = 0
      const change = (bytes: number): Record<FullRoom, number> => ({
        all: held.all + bytes - own,
        large: held.large + beyondSmall(bytes) - beyondSmall(own),
        sender: (heldBySender.get(sender) ?? 0) + bytes - own,
      })
      const set = (bytes: number, after: Record<FullRoom, number>) => {
        Object.assign(held, { all: after.all, large: after.large })
        if (after.sender > 0) heldBySender.set(sender, after.sender)
        else heldBySender.delete(sender)
        own = bytes
      }
      return {
        hold(bytes) {
          const after = change(bytes)
          const full = (Object.keys(roomBytes) as FullRoom[]).find((which) => after[which] > roomBytes[which])
          if (full === undefined) set(bytes, after)
          return full
        },
        leave: () => set(0, change(0)),
      }
    },
  }
}

const beyondSmall = (bytes: number): number => Math.max(0, bytes - smallBytes)

/** An address of IPv4, or the /64 of IPv6 in which one machine has all it wants. */
function senderOf(address: string): string {
  if (isIP(address) === 0) return address
  const known = ip.process(address)
  return known instanceof ip.IPv4 ? known.toString() : known.parts.slice(0, 4).join(':')
}
