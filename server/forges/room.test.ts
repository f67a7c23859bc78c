import { expect, test } from 'vitest'
import { createRoom, type Place } from './room.ts'

const mebibyte = 1024 * 1024

/** As many bodies of that size as there is room for, each of an address of its own unless they share one. */
function fill(room: ReturnType<typeof createRoom>, bytes: number, address?: string) {
  const taken: Place[] = []
  for (;;) {
    const place = room.enter(address ?? `10.${bytes % 251}.0.${taken.length}`)
    const full = place.hold(bytes)
    if (full !== undefined) return { taken, full }
    taken.push(place)
  }
}

test('small bodies are bounded as well, all together', () => {
  const { taken, full } = fill(createRoom(), mebibyte)
  expect([taken.length, full]).toEqual([128, 'all'])
})

test('large ones leave room for small ones', () => {
  const room = createRoom()
  expect(fill(room, 25 * mebibyte)).toMatchObject({ taken: { length: 3 }, full: 'large' })
  expect(fill(room, mebibyte).taken.length).toBeGreaterThan(40)
})

test('one sender has its share and no more, however many it sends, and others theirs', () => {
  const room = createRoom()
  expect(fill(room, 25 * mebibyte, '192.0.2.1')).toMatchObject({ taken: { length: 1 }, full: 'sender' })
  expect(fill(room, mebibyte, '192.0.2.1')).toMatchObject({ taken: { length: 7 }, full: 'sender' })
  expect(room.enter('192.0.2.2').hold(25 * mebibyte)).toBe(undefined)
})

test.each([
  ['2001:db8::1', '2001:db8::ffff:1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
])('%s and %s are one sender: %s', (one, other, are) => {
  const room = createRoom()
  room.enter(one).hold(25 * mebibyte)
  expect(room.enter(other).hold(25 * mebibyte)).toBe(are ? 'sender' : undefined)
})

test('what is left is there for others, once', () => {
  const room = createRoom()
  const { taken } = fill(room, 25 * mebibyte)
  taken[0]?.leave()
  taken[0]?.leave()
  expect(fill(room, 25 * mebibyte)).toMatchObject({ taken: { length: 1 }, full: 'large' })
})

test('a body that grows is counted once', () => {
  const room = createRoom()
  const place = room.enter('192.0.2.1')
  for (let bytes = 0; bytes <= 25 * mebibyte; bytes += 64 * 1024) expect(place.hold(bytes)).toBe(undefined)
  expect(place.hold(33 * mebibyte)).toBe('sender')
  place.leave()
  expect(room.enter('192.0.2.1').hold(32 * mebibyte)).toBe(undefined)
})
