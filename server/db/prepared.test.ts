import { describe, expect, test } from 'vitest'
import { createNames } from './prepared.ts'

const use = (text: string, times = 10, names = createNames()) => {
  let name: string | undefined
  for (let time = 0; time < times; time++) name = names.nameOf(text)
  return name
}

describe('a statement is prepared', () => {
  test('once it came again and again, under one name', () => {
    const names = createNames()
    const text = 'select id from runs where id = $1'
    expect(use(text, 4, names)).toBeUndefined()
    expect(names.nameOf(text)).toMatch(/^fairway_[0-9a-f]{16}$/)
    expect(use(text, 1, names)).toBe(use(text))
  })

  test.each([
    'select * from "runs" where id = $1',
    'update "runs" set reason = $1 returning *',
    'select "runs".* from "runs" where id = $1',
    'select now(), * from runs where id = $1',
  ])('never where a new column would change what it returns: %s', (text) => {
    expect(use(text)).toBeUndefined()
  })

  test('where a star counts or multiplies', () => {
    expect(use('select count(*) from runs where id = $1')).toBeDefined()
    expect(use(`update tasks set lease_until = now() + $1 * interval '1 millisecond'`)).toBeDefined()
  })

  test('no more once PostgreSQL refused it', () => {
    const names = createNames()
    const text = 'select name from projects where id = $1'
    use(text, 10, names)
    names.forget(text)
    expect(use(text, 20, names)).toBeUndefined()
  })

  test('up to a number that a connection has memory for, however many texts there are', () => {
    const names = createNames()
    const prepared = Array.from({ length: 10_000 }, (_, index) => use(`select ${index} where $1`, 6, names))
    expect(prepared.filter(Boolean)).toHaveLength(150)
  })
})
