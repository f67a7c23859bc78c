import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ContainerLine, createFrameParser, skipUntil } from './log-frames.ts'

function frame(stream: number, payload: string): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}
const time = (n: number) => `2026-03-01T10:00:00.${String(n).padStart(9, '0')}Z`

test('lines come out the same, however the stream is cut', () => {
  const bytes = Buffer.concat([
    frame(1, `${time(1)} first é\n`),
    frame(2, `${time(2)} to stderr\n`),
    frame(1, `${time(3)} a long li`),
    frame(2, `${time(3)} between\n`),
    frame(1, `${time(4)} ne\n`),
    frame(1, `${time(5)} \n`),
  ])
  const expected: ContainerLine[] = [
    { stream: 'stdout', timestamp: time(1), text: 'first é' },
    { stream: 'stderr', timestamp: time(2), text: 'to stderr' },
    { stream: 'stderr', timestamp: time(3), text: 'between' },
    { stream: 'stdout', timestamp: time(3), text: 'a long line' },
    { stream: 'stdout', timestamp: time(5), text: '' },
  ]
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const lines: ContainerLine[] = []
      const parse = createFrameParser((line) => lines.push(line))
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length]!
        parse(bytes.subarray(at, at + size))
        at += size
      }
      expect(lines).toEqual(expected)
    }),
  )
})

test('a line without end is cut, and memory stays bounded', () => {
  const lines: ContainerLine[] = []
  const parse = createFrameParser((line) => lines.push(line))
  for (let i = 0; i < 20; i++) parse(frame(1, `${time(i)} ${'x'.repeat(16_384)}`))
  expect(lines.length).toBe(5)
  expect(lines.every((line) => line.text.length === 65_536)).toBe(true)
})

test('reading goes on exactly where it was left, also among lines of one time', () => {
  const all = [1, 2, 2, 2, 3].map((n, i) => ({
    stream: 'stdout' as const,
    timestamp: time(n),
    text: String(i),
  }))
  const after = (timestamp: string, lines: number) => {
    const seen: string[] = []
    const pass = skipUntil({ timestamp, lines }, (line) => seen.push(line.text))
    all.forEach(pass)
    return seen.join('')
  }
  expect(after(time(2), 1)).toBe('234')
  expect(after(time(2), 3)).toBe('4')
  expect(after(time(3), 1)).toBe('')
  expect(after(time(1), 0)).toBe('01234')
})
