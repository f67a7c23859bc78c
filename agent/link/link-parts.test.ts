import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullJitter } from './backoff.ts'
import { parseJoinToken } from './enroll.ts'
import { microsOf } from './log-sink.ts'
import { splitLine } from './split-line.ts'

describe('fullJitter', () => {
  it('grows to its cap and draws from all of it', () => {
    const bounds = { baseMs: 250, capMs: 4_000 }
    expect([0, 1, 2, 10, 1_000].map((attempt) => fullJitter(attempt, bounds, () => 0.999_999))).toEqual([
      249, 499, 999, 3_999, 3_999,
    ])
    expect(fullJitter(5, bounds, () => 0)).toBe(0)
  })
})

describe('splitLine', () => {
  it('loses nothing, and no part is larger than 64 KiB', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.nat(3_000), (text, times) => {
        const long = text.repeat(times)
        const parts = splitLine(long)
        expect(parts.join('')).toBe(long)
        for (const part of parts) {
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(65_536)
          expect(part.isWellFormed()).toBe(long.isWellFormed())
        }
      }),
    )
  })
})

describe('microsOf', () => {
  it('reads Docker times to the microsecond', () => {
    expect(microsOf('2026-07-01T10:00:00.123456789Z')).toBe(1_782_900_000_123_456n)
    expect(microsOf('2026-07-01T10:00:00Z')).toBe(1_782_900_000_000_000n)
  })
})

describe('parseJoinToken', () => {
  it('splits secret and pin, and refuses anything else', () => {
    const pin = 'ab'.repeat(32)
    expect(parseJoinToken(` fj_${'x'.repeat(43)}.${pin}\n`)).toEqual({ token: `fj_${'x'.repeat(43)}`, pin })
    for (const text of ['', 'fj_short.00', `ft_${'x'.repeat(43)}.${pin}`, `fj_${'x'.repeat(43)}`]) {
      expect(() => parseJoinToken(text)).toThrow('not a join token')
    }
  })
})
