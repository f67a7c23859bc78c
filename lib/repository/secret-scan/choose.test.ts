import { describe, expect, test } from 'vitest'
import { choose } from './choose.ts'
import { textOf } from './read-text.ts'

const files = (...sizes: number[]) => sizes.map((sizeBytes, index) => ({ path: `f${index}`, sizeBytes }))
const limits = { fileBytes: 1024, files: 3, totalBytes: 2 * 1024 ** 2 }

describe('what is searched', () => {
  test('is what fits, and what does not is named', () => {
    const { chosen, leftOut } = choose(files(10, 0, 2_000, 20, 30, 40, 50), limits)
    expect(chosen.map(({ path }) => path)).toEqual(['f0', 'f3', 'f4'])
    expect(leftOut).toEqual([
      '1 file (f2) for being larger than 1 KiB',
      '2 files (f5, f6): 3 files and 2 MiB are the most',
    ])
    expect(choose(files(10), limits).leftOut).toEqual([])
  })

  test('ends with the bytes in all', () => {
    const { chosen } = choose(files(60, 50, 1), { ...limits, totalBytes: 100 })
    expect(chosen.map(({ path }) => path)).toEqual(['f0'])
  })

  test.each([
    ['plain', Buffer.from('plain'), 'plain'],
    ['UTF-16, little endian', Buffer.from('\ufeffwide', 'utf16le'), 'wide'],
    ['UTF-16, big endian', Buffer.from('\ufeffwide', 'utf16le').swap16(), 'wide'],
    ['binary', Buffer.from('a\0b'), undefined],
  ])('is text: %s', (_, bytes, text) => expect(textOf(bytes)).toBe(text))
})
