import { formatBytes } from '../lib/words/bytes.ts'
import type { HostJson } from './json/host.ts'

/** How much of a pool can still be written, and where the file system around its image is what bounds it. */
export function poolRoom({ freeBytes, sizeBytes, outerFreeBytes }: HostJson['pools'][number]): string {
  const room = `${formatBytes(freeBytes)} free of ${formatBytes(sizeBytes)}`
  return outerFreeBytes === null || outerFreeBytes > freeBytes
    ? room
    : `${room} (the disk around its image has no more)`
}
