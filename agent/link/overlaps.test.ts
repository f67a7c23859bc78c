import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOverlaps } from './overlaps.ts'

const lengthsOf = (form: string, text: string) =>
  Array.from({ length: Math.min(form.length - 1, text.length) }, (_, index) => index + 1)

test('overlaps are what comparing every length finds', () => {
  const word = fc
    .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 12 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(word, word, (form, text) => {
      const { beginsAtEndOf, endsAtStartOf } = createOverlaps(form)
      const lengths = lengthsOf(form, text)
      expect(beginsAtEndOf(text)).toBe(
        Math.max(0, ...lengths.filter((length) => text.endsWith(form.slice(0, length)))),
      )
      expect(endsAtStartOf(text)).toBe(
        Math.max(0, ...lengths.filter((length) => text.startsWith(form.slice(-length)))),
      )
    }),
  )
})
