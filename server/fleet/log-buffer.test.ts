import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogEntrySchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createLogBuffer } from './log-buffer.ts'

const entries = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => create(LogEntrySchema, { text: `${from + i}` }))

describe('the log buffer', () => {
  it('takes each sequence once, in order, however often and in whatever pieces it is sent', () => {
    const piece = fc.record({ from: fc.integer({ min: 1, max: 30 }), count: fc.integer({ min: 0, max: 10 }) })
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const buffer = createLogBuffer(0)
        const durable: { sequence: number; text: string; gap: number }[] = []
        for (const { from, count } of pieces) {
          buffer.add(Math.min(from, buffer.nextSequence), entries(Math.min(from, buffer.nextSequence), count))
          const lines = buffer.peek(150)
          durable.push(...lines)
          const last = lines.at(-1)
          if (last) buffer.drop(last.sequence)
        }
        durable.push(...buffer.peek(1e9))
        expect(durable.map(({ text }) => text)).toEqual(durable.map((_, index) => `${index + 1}`))
        expect(durable).toHaveLength(buffer.nextSequence - 1)
      }),
    )
  })

  it('names what is missing instead of closing ranks', () => {
    const buffer = createLogBuffer(10)
    buffer.add(15, entries(15, 1))
    expect(buffer.peek(1e9)).toMatchObject([
      { sequence: 14, gap: 4 },
      { sequence: 15, gap: 0, text: '15' },
    ])
  })

  it('drops what another server made durable, also beyond what it holds', () => {
    const buffer = createLogBuffer(0)
    buffer.add(1, entries(1, 5))
    buffer.drop(3)
    expect(buffer.peek(1e9).map(({ sequence }) => sequence)).toEqual([4, 5])
    buffer.drop(9)
    expect(buffer.sizeBytes).toBe(0)
    expect(buffer.nextSequence).toBe(10)
    buffer.add(8, entries(8, 4))
    expect(buffer.peek(1e9).map(({ sequence }) => sequence)).toEqual([10, 11])
  })
})
