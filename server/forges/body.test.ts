import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBodyReader, pace } from './body.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => vi.useRealTimers())

/** A body that is being read, and how it ended. */
function begin(headers = {}) {
  const bodies = createBodyReader()
  const stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 })
  const looked: Buffer[] = []
  const request = { headers, ip: '192.0.2.1' }
  let end: unknown
  const read = bodies
    .read(request, stream, (piece) => void looked.push(piece))
    .then(
      (body) => {
        end = body.toString()
        return body
      },
      (error: unknown) => {
        end = error
        return undefined
      },
    )
  const window = () => vi.advanceTimersByTimeAsync(pace.windowMs)
  return { stream, looked, read, window, end: () => end }
}

const enough = Buffer.alloc(pace.windowBytes, 'x')

test('a body that does not come is waited for two windows, and no longer', async () => {
  const { stream, window, end } = begin()
  stream.write('{"repository":')
  await window()
  expect(end()).toBe(undefined)
  await window()
  expect(end()).toMatchObject({ fault: 'slow', statusCode: 408, receivedBytes: 14 })
  // Whoever sent it gets the answer over it.
  expect(stream.destroyed).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})

test('a large one that stops before its last byte is not held because it was quick before', async () => {
  const { stream, window, end } = begin({ 'content-length': String(9 * enough.length + 1) })
  stream.write(Buffer.alloc(9 * enough.length, 'x'))
  await window()
  await window()
  expect(end()).toBe(undefined)
  await window()
  expect(end()).toMatchObject({ fault: 'slow' })
})

test('one that drips is not either', async () => {
  const { stream, window, end } = begin()
  stream.write('x')
  await window()
  stream.write(Buffer.alloc(pace.windowBytes - 1, 'x'))
  await window()
  expect(end()).toMatchObject({ fault: 'slow', receivedBytes: pace.windowBytes })
})

test('one that keeps pace is taken, a window of nothing between included', async () => {
  const { stream, window, read } = begin()
  for (let sent = 0; sent < 4; sent++) {
    stream.write(enough)
    await window()
    await window()
  }
  stream.end()
  expect((await read)?.length).toBe(4 * enough.length)
  expect(vi.getTimerCount()).toBe(0)
})

test('tiny pieces are one body, and each was looked at', async () => {
  const { stream, looked, read } = begin({ 'content-length': '1000' })
  for (let at = 0; at < 1_000; at++) stream.write(String(at % 10))
  stream.end()
  expect((await read)?.toString()).toBe('0123456789'.repeat(100))
  expect(Buffer.concat(looked).length).toBe(1_000)
})

test.each([
  ['shorter than it says', { 'content-length': '3' }, (stream: PassThrough) => stream.end('ab')],
  ['broken off', {}, (stream: PassThrough) => stream.destroy()],
  ['broken off with an error', {}, (stream: PassThrough) => stream.destroy(new Error('reset'))],
])('one that is %s is not taken', async (_, headers, finish) => {
  const { stream, read, end } = begin(headers)
  finish(stream)
  await read
  expect(end()).toMatchObject({ fault: 'cut-off', statusCode: 400 })
  expect(vi.getTimerCount()).toBe(0)
})
