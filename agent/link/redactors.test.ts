import { describe, expect, test } from 'vitest'
import { createRedactors } from './redactors.ts'

const shop = { projectId: 'p-shop', environmentId: 'e-shop' }
const shopStaging = { projectId: 'p-shop', environmentId: 'e-shop-staging' }
const bakery = { projectId: 'p-bakery', environmentId: 'e-bakery' }
const ofContainer = { projectId: '', environmentId: 'e-shop' }
const strong = 'sk_live_51HqLyjWDarjt'
const guessable = 'hunter22'

describe('what a project knows', () => {
  test.each([strong, guessable])(
    'is masked in its own text, and confirmed in no other project’s: %s',
    (secret) => {
      const redactors = createRedactors()
      const before = { shop: redactors.of(shop), bakery: redactors.of(bakery) }
      redactors.add(shop, secret)
      const text = `it says ${secret} and ${encodeURIComponent(JSON.stringify(secret))}`
      expect(before.shop.redact(text)).toBe('it says [redacted] and %22[redacted]%22')
      expect(before.bakery.redact(text)).toBe(text)
      expect(redactors.of(bakery).redact(text)).toBe(text)
      expect(redactors.ofCopies(bakery).redact(text)).toBe(text)
      expect(redactors.host.redact(text)).toBe('it says [redacted] and %22[redacted]%22')
    },
  )

  test('is masked in all of its environments where nobody can guess it, else in those that got it', () => {
    const redactors = createRedactors()
    redactors.add(shop, strong)
    redactors.add(shop, guessable)
    expect(redactors.of(shopStaging).redact(`${strong} ${guessable}`)).toBe(`[redacted] ${guessable}`)
    expect(redactors.ofCopies(shopStaging).redact(`${strong} ${guessable}`)).toBe('[redacted] [redacted]')
  })

  test('stays masked after a rotation, the old value and the new', () => {
    const redactors = createRedactors()
    redactors.add(shop, 'old-value-4711')
    redactors.add(shop, 'new-value-0815')
    expect(redactors.of(shop).redact('old-value-4711, new-value-0815')).toBe('[redacted], [redacted]')
  })

  test('of no environment, a credential, is masked in all of the project', () => {
    const redactors = createRedactors()
    redactors.add({ ...shop, environmentId: '' }, guessable)
    expect(redactors.of(shopStaging).redact(guessable)).toBe('[redacted]')
    expect(redactors.of(bakery).redact(guessable)).toBe(guessable)
  })
})

test('common words are masked nowhere, whosever they are', () => {
  const redactors = createRedactors()
  for (const word of ['production', 'TRUE', '1234', 'smtp.example.com']) redactors.add(shop, word)
  const text = 'production is true: 1234 lines to smtp.example.com, TRUE'
  expect(redactors.of(shop).redact(text)).toBe(text)
})

describe('a container that tells no project', () => {
  test('is masked by what itself and its environment hold, and by the project’s once that is known', () => {
    const redactors = createRedactors()
    redactors.add(ofContainer, strong)
    redactors.add({ ...shop, environmentId: '' }, 'a-credential-of-builds')
    const log = redactors.of(ofContainer)
    expect(log.redact(`${strong} a-credential-of-builds`)).toBe('[redacted] a-credential-of-builds')
    redactors.of(shop)
    expect(log.redact(`${strong} a-credential-of-builds`)).toBe('[redacted] [redacted]')
    expect(redactors.of(bakery).redact(strong)).toBe(strong)
  })

  test('and no environment is everybody’s: nothing may be masked less than before', () => {
    const redactors = createRedactors()
    redactors.add({ projectId: '', environmentId: '' }, strong)
    expect(redactors.of(bakery).redact(strong)).toBe('[redacted]')
  })
})

test('what is ours is masked in everything', () => {
  const redactors = createRedactors()
  redactors.addOwn('the-key-of-this-host')
  for (const owner of [shop, bakery, ofContainer]) {
    expect(redactors.of(owner).redact('the-key-of-this-host')).toBe('[redacted]')
  }
})
