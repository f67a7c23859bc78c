import { expect, test } from 'vitest'
import { decodeLogChunk, encodeLogChunk } from './log-chunk.ts'

test('a chunk gives back its lines, whatever is in them', async () => {
  const lines = [
    { sequence: 1, unixMicros: 1_763_846_400_000_001, source: 'odoo', text: 'a\nb\u2028 "é" \t', gap: 0 },
    { sequence: 2, unixMicros: 1_763_846_400_000_002, source: 'fairway', text: '', gap: 17 },
  ]
  expect(await decodeLogChunk(await encodeLogChunk(lines))).toEqual(lines)
  expect(await decodeLogChunk(await encodeLogChunk([]))).toEqual([])
})

test('bytes that are no chunk are refused', async () => {
  await expect(decodeLogChunk(Buffer.from('not zstd'))).rejects.toThrow()
})
