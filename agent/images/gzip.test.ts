import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createGzip } from './gzip.ts'

// The same on any host: a run of numbers that compresses somewhat.
const content = Buffer.alloc(500_001)
for (let at = 0, value = 1; at < content.length; at++) {
  value = (value * 48271) % 2147483647
  content[at] = value % 23
}

const compress = (cutBytes: number) => {
  const chunks = []
  for (let at = 0; at < content.length; at += cutBytes) chunks.push(content.subarray(at, at + cutBytes))
  return buffer(Readable.from(chunks).pipe(createGzip()))
}

test('what comes out is what went in, and the same however it was cut', async () => {
  const whole = await compress(content.length)
  expect(gunzipSync(whole)).toEqual(content)
  for (const cutBytes of [1_000, 65_536, 65_537, 200_000])
    expect((await compress(cutBytes)).equals(whole)).toBe(true)
  // Another digest here is another image for the same lock everywhere: raise imageRecipeVersion.
  expect(createHash('sha256').update(whole).digest('hex')).toBe(
    '8e3ebc602c45b4ca76b0ca957bbbe78c67ed90ffe5fda361fd4b2449c671ad43',
  )
})

test('nothing is something, too', async () => {
  expect(gunzipSync(await buffer(Readable.from([]).pipe(createGzip())))).toHaveLength(0)
})
