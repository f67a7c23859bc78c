import { expect, test } from 'vitest'
import { BadMember } from './bad-member.ts'
import { listIn, readObject } from './json-member.ts'

const path = 'run/manifest.json'
const of = (text: string) => new Map([[path, Buffer.from(text)]])

test.each(['', 'null', '[]', '7', '{'])('%j is no object', (text) => {
  expect(() => readObject(of(text), path)).toThrow(BadMember)
})

test.each(['null', '"text"', '{}', '[null]', '[["a"]]', '7'])('%j is no list of objects', (list) => {
  expect(() => listIn(of(`{"artifacts":${list}}`), path, 'artifacts')).toThrow(BadMember)
})

test('an absent list is an empty one', () => {
  expect(listIn(of('{}'), path, 'artifacts')).toEqual([])
  expect(listIn(of('{"artifacts":[{"sha256":"x"}]}'), path, 'artifacts')).toEqual([{ sha256: 'x' }])
})
