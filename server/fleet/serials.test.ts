import { describe, expect, it } from 'vitest'
import { isCurrent, newLineage, successor } from './serials.ts'

describe('certificate serials', () => {
  it('accept the newest certificate and the one before', () => {
    const first = newLineage()
    const second = successor(first)
    const third = successor(second)
    expect(first).toMatch(/^[4-7][0-9a-f]{37}$/)
    expect(isCurrent(second, second)).toBe(true)
    expect(isCurrent(second, first)).toBe(true)
    expect(isCurrent(third, first)).toBe(false)
    expect(isCurrent(first, second)).toBe(false)
  })

  it('let a renewal be repeated whose answer was lost', () => {
    const first = newLineage()
    const lost = successor(first)
    const repeated = successor(first)
    expect(repeated).not.toBe(lost)
    expect(isCurrent(repeated, first)).toBe(true)
    expect(isCurrent(successor(repeated), repeated)).toBe(true)
  })

  it('end with the enrolment they belong to, and with revocation', () => {
    const first = newLineage()
    expect(isCurrent(newLineage(), first)).toBe(false)
    expect(isCurrent('', first)).toBe(false)
  })
})
