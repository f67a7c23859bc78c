import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { computeClosure, type ModuleFacts } from './closure.ts'

const module = (depends: string[] = [], facts: Partial<ModuleFacts> = {}): ModuleFacts => ({
  depends,
  installable: true,
  autoInstall: false,
  ...facts,
})
const image = new Map([
  ['base', module()],
  ['web', module(['base'])],
  ['sale', module(['web'])],
  ['sale_web', module(['sale', 'web'], { autoInstall: true })],
  ['old', module([], { installable: false })],
])
const searched = ['the repository (addons)', 'the image odoo:19.0 (5 modules)']
const close = (wanted: string[], own: Record<string, ModuleFacts>) =>
  computeClosure(wanted, { own: new Map(Object.entries(own)), image, searched })

test('dependencies come first, once, and from where they are', () => {
  const closure = close(['b', 'a'], { a: module(['sale', 'b']), b: module() })
  expect(closure.order).toEqual(['base', 'b', 'web', 'sale', 'a'])
  expect(closure.fromImage).toEqual(['base', 'web', 'sale'])
  expect(closure.autoInstalled).toEqual(['sale_web'])
})

describe('a closure that does not close', () => {
  test('names who needs a missing module, and where it was looked for', () => {
    expect(() => close(['a'], { a: module(['b']), b: module(['sael']) })).toThrow(
      'missing module: sael (needed by a → b → sael; did you mean sale?); looked in the repository (addons) and the image odoo:19.0 (5 modules)',
    )
  })
  test('names all that is missing', () => {
    expect(() => close(['a'], { a: module(['xxxxxx', 'yyyyyyy']) })).toThrow(
      /missing modules: xxxxxx .*, yyyyyyy /,
    )
    expect(() => close(['zzzzz'], {})).toThrow('zzzzz (asked for by fairway.yaml)')
  })
  test('names a circle', () => {
    expect(() => close(['z'], { z: module(['a']), a: module(['b']), b: module(['a']) })).toThrow(
      'in a circle: a → b → a',
    )
  })
  test('names what cannot be installed', () => {
    expect(() => close(['a'], { a: module(['old']) })).toThrow(
      'old is marked installable: False, needed by a → old',
    )
  })
  test('names what is written for another Odoo, where it is needed and only there', () => {
    const wrongSeries = 'has version 16.0.1.0.0, but the project is for Odoo 19.0'
    const own = { a: module(['b']), b: module([], { file: 'x/b/__manifest__.py', wrongSeries }), c: module() }
    expect(() => close(['a'], own)).toThrow(
      'the module b (x/b/__manifest__.py) has version 16.0.1.0.0, but the project is for Odoo 19.0, needed by a → b',
    )
    expect(close(['c'], own).order).toEqual(['base', 'c'])
  })
  test('names the files that say so', () => {
    const file = 'addons/a/__manifest__.py'
    expect(() => close(['a'], { a: module(['xxxxxx'], { file }) })).toThrow(`5 modules); see ${file}`)
    expect(() => close(['a'], { a: module(['b'], { file }), b: module(['a']) })).toThrow('a → b → a')
    expect(() => close(['b'], { a: module(['b'], { file }), b: module(['a']) })).toThrow(
      `b → a → b; see ${file}`,
    )
    expect(() => close(['a'], { a: module([], { file, installable: false }) })).toThrow(
      `a is marked installable: False in ${file}`,
    )
  })
})

test('a chain of thousands is no problem', () => {
  const own = Object.fromEntries(
    Array.from({ length: 5000 }, (_, i) => [`m${i}`, module(i ? [`m${i - 1}`] : [])]),
  )
  expect(close(['m4999'], own).order).toHaveLength(5001)
})

test('whatever the graph: dependencies first, and the order of the question does not matter', () => {
  const graph = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(graph, (edges) => {
      // Only edges to smaller numbers: no circle.
      const own = Object.fromEntries(
        edges.map((targets, i) => [`m${i}`, module(targets.filter((t) => t < i).map((t) => `m${t}`))]),
      )
      const names = Object.keys(own)
      const { order } = close(names, own)
      expect(close(names.toReversed(), own).order).toEqual(order)
      expect(new Set(order).size).toBe(names.length + 1)
      for (const [name, { depends }] of Object.entries(own))
        for (const dependency of depends) expect(order.indexOf(dependency)).toBeLessThan(order.indexOf(name))
    }),
  )
})
