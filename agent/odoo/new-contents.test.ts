import { expect, test } from 'vitest'
import { newContents } from './new-contents.ts'

const image = { baseImage: 'odoo@2', addons: { a: 'a2', b: 'b2', glue: 'g2', idle: 'i2' } }
const before = {
  installed: ['a', 'b', 'base', 'gone'],
  contents: { baseImage: 'odoo@1', addons: { a: 'a1', b: 'b1', gone: 'x1' } },
}

test('what was asked for and what came along has the new content, the rest keeps its own', () => {
  const asked = { install: [], update: ['a'], plannedFrom: undefined, ...image }
  expect(newContents(asked, before, ['a', 'b', 'base', 'glue'])).toEqual({
    baseImage: 'odoo@1',
    addons: { a: 'a2', b: 'b1', glue: 'g2' },
  })
})

test('base stands for all', () => {
  const asked = { install: [], update: ['base'], plannedFrom: undefined, ...image }
  expect(newContents(asked, before, ['a', 'b', 'base'])).toEqual({
    baseImage: 'odoo@2',
    addons: { a: 'a2', b: 'b2' },
  })
})

test('a first installation is all new', () => {
  const asked = { install: ['a'], update: [], plannedFrom: undefined, ...image }
  expect(newContents(asked, { installed: [], contents: null }, ['a', 'base', 'glue'])).toEqual({
    baseImage: 'odoo@2',
    addons: { a: 'a2', glue: 'g2' },
  })
})

test('where there is no record, what the plan went by is one; what it did not know stays unknown', () => {
  const plannedFrom = { baseImage: 'odoo@1', addons: { b: 'b1' } } as never
  const asked = { install: [], update: ['a'], plannedFrom, ...image }
  expect(newContents(asked, { ...before, contents: null }, ['a', 'b', 'base', 'idle'])).toEqual({
    baseImage: 'odoo@1',
    addons: { a: 'a2', b: 'b1', idle: 'i2' },
  })
})

test('a server that does not say what is in the image leaves nothing known', () => {
  const asked = { install: [], update: ['a'], plannedFrom: undefined, baseImage: '', addons: {} }
  expect(newContents(asked, before, ['a'])).toBeUndefined()
})

test('a name that every object has is one of the image like any other', () => {
  const asked = { install: [], update: ['base'], plannedFrom: undefined, ...image }
  expect(newContents(asked, before, ['a', 'base', 'constructor'])?.addons).toEqual({ a: 'a2' })
})
