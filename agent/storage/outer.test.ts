import { expect, test } from 'vitest'
import { holderOf, parseMounts } from './outer.ts'

const mounts = parseMounts(
  [
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '44 27 0:39 / /var/lib/fairway/pool rw,noatime shared:3 - btrfs /dev/loop0 rw,discard=async',
    '45 27 0:40 / /var/lib/fairway/pool rw,noatime - xfs /dev/loop7 rw',
    '46 27 0:41 / /var/lib/fairway/pool\\040two rw - btrfs /dev/loop1 rw',
    '',
  ].join('\n'),
)

test('a path is on the deepest mount above it, and on the last of those at one place', () => {
  const sourceOf = (path: string) => holderOf(mounts, path)?.source
  expect(sourceOf('/var/lib/fairway/pool')).toBe('/dev/loop7')
  expect(sourceOf('/var/lib/fairway/pool/cells')).toBe('/dev/loop7')
  expect(sourceOf('/var/lib/fairway/pool two/cells')).toBe('/dev/loop1')
  expect(sourceOf('/var/lib/fairway/pool-of-another')).toBe('/dev/vda')
  expect(sourceOf('/')).toBe('/dev/vda')
})
