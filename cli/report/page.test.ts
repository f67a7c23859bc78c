import fc from 'fast-check'
import { expect, test } from 'vitest'
import { renderPage } from './page.ts'
import type { Origin, Report } from './report.ts'

const origin = (text: string): Origin => ({
  organization: text,
  server: text,
  project: text,
  from: new Date('2026-11-01T00:00:00Z'),
  to: new Date('2026-12-01T00:00:00Z'),
  madeAt: new Date('2026-12-02T08:15:00Z'),
  madeBy: text,
})
const report = (text: string, rows: readonly string[]): Report<string> => ({
  title: 'Releases',
  about: text,
  columns: [
    { key: 'what', title: 'What', value: (row) => row },
    { key: 'more', value: () => 'only in CSV' },
  ],
  rows,
  alerts: [text],
  checks: [[text, text]],
})

test('says whose it is, of which span, when and by whom it was made, and how to verify it', () => {
  const page = renderPage(report('about', ['one', 'two']), { ...origin('acme'), madeBy: 'audrey' })
  expect(page).toContain('<p class="org">acme</p>')
  expect(page).toContain('2026-11-01 00:00 UTC – 2026-12-01 00:00 UTC')
  expect(page).toContain('Made 2026-12-02 08:15 UTC by audrey')
  expect(page).toContain('How to verify')
  expect(page).toContain('2 lines')
  expect(page).not.toContain('only in CSV')
})

test('says so when there is nothing', () =>
  expect(renderPage(report('about', []), origin('acme'))).toContain('Nothing of the kind happened'))

test('needs nothing beside itself, and allows nothing', () => {
  const page = renderPage(report('about', ['one']), origin('acme'))
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\bsrc=|\bhref=/i)
})

test('lets no text from elsewhere become markup', () => {
  const shape = (page: string) => [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(' short', ' '))
  const harmless = shape(renderPage(report('x', ['x']), origin('x')))
  const hostile = fc.oneof(
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'</style><b>",
      '&lt;',
      '‮',
    ),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(hostile, (text) => {
      const page = renderPage(report(text, [text]), origin(text))
      expect(shape(page)).toEqual(harmless)
      expect(page).not.toMatch(/\p{Bidi_Control}/u)
    }),
  )
})
