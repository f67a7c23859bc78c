import { randomBytes } from 'node:crypto'

/**
 * Serial numbers of host certificates: 12 random bytes that name one enrolment (its lineage), 4 that count its
 * renewals, 3 random. `hosts.certificate_serial` holds the newest. A renewal always issues the successor of the
 * certificate that asked, so an agent whose answer was lost can ask again with the one before, and no other column
 * has to remember that one; enrolling again begins a new lineage and ends the old.
 */
const lineageBytes = 12
const countBytes = 4
const noiseBytes = 3

/** Lower-case hex, 38 digits, the first neither 0 nor above 7 (a positive integer of full length). */
export function newLineage(): string {
  const lineage = randomBytes(lineageBytes)
  lineage[0] = (lineage[0]! & 0x3f) | 0x40
  return serial(lineage.toString('hex'), 0)
}

export function successor(presented: string): string {
  return serial(lineageOf(presented), countOf(presented) + 1)
}

/** Whether a presented certificate is the host's newest or the one before; an empty `newest` means revoked. */
export function isCurrent(newest: string, presented: string): boolean {
  if (newest.length !== presented.length || lineageOf(newest) !== lineageOf(presented)) return false
  if (newest === presented) return true
  const behind = countOf(newest) - countOf(presented)
  return behind === 0 || behind === 1
}

const serial = (lineage: string, count: number) => {
  const counted = Buffer.alloc(countBytes)
  counted.writeUInt32BE(count)
  return lineage + counted.toString('hex') + randomBytes(noiseBytes).toString('hex')
}
/** What all certificates of one enrolment begin with. */
export const lineageOf = (text: string) => text.slice(0, lineageBytes * 2)
const countOf = (text: string) =>
  Number.parseInt(text.slice(lineageBytes * 2, (lineageBytes + countBytes) * 2), 16)
