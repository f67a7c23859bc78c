import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { computeClosure } from './closure.ts'
import type { ModuleFacts } from './module-facts.ts'

const module = (depends: string[] = [], facts: Partial<ModuleFacts> = {}): ModuleFacts => ({
  depends,
  installable: true,
  countries: [],
  excludes: [],
  ...facts,
})
const image = new Map([
  ['base', module()],
  ['web', module(['base'])],
  ['sale', module(['web'])],
  ['sale_web', module(['sale', 'web'], { autoInstall: ['sale', 'web'] })],
  ['old', module([], { installable: false })],
])
const searched = ['the repository (addons)', 'the image odoo:19.0 (5 modules)']
const close = (wanted: string[], own: Record<string, ModuleFacts>) =>
  computeClosure(wanted, { own: new Map(Object.entries(own)), image, searched })

test('dependencies come first, once, and from where they are', () => {
  const closure = close(['b', 'a'], { a: module(['sale', 'b']), b: module() })
  expect(closure.order).toEqual(['base', 'b', 'web', 'sale', 'a', 'sale_web'])
  expect(closure.fromImage).toEqual(['base', 'web', 'sale', 'sale_web'])
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
    expect(() => close(['a', 'zzzzz'], { a: module(['xxxxxx']) })).toThrow(
      /missing modules: xxxxxx .*, zzzzz /,
    )
  })
  test('tells a part of what is missing, and where the rest is', () => {
    expect(() => close(['a'], { a: module(['u', 'v', 'w', 'x', 'y', 'z']) })).toThrow(
      / and 1 more, all of them in the log; looked in/,
    )
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
    const unfit = 'has version 16.0.1.0.0, but the project is for Odoo 19.0'
    const own = { a: module(['b']), b: module([], { file: 'x/b/__manifest__.py', unfit }), c: module() }
    expect(() => close(['a'], own)).toThrow(
      'the module b (x/b/__manifest__.py) has version 16.0.1.0.0, but the project is for Odoo 19.0, needed by a → b',
    )
    expect(close(['c'], own).order).toEqual(['base', 'c'])
  })
  test('names what is there and left out, with the reason, and nothing that is like it', () => {
    const leftOut = new Map([['sael', 'sael/__manifest__.py:1:1: a literal is expected']])
    const own = { a: module(['sael']), tool: module(['sael'], { autoInstall: ['base'], optional: true }) }
    const whole = { own: new Map(Object.entries(own)), image, searched, leftOut }
    const why = '; left out: sael/__manifest__.py:1:1: a literal is expected)'
    expect(() => computeClosure(['a'], whole)).toThrow(`sael (needed by a → sael${why}; looked in`)
    expect(computeClosure([], whole).leftOut.get('tool')).toContain(why)
  })
  test('says what to do with what is not for this Odoo', () => {
    const other = module([], { unfit: 'has version 18.0.1.0.0', otherSeries: true })
    expect(() => close(['b'], { b: other })).toThrow(
      '; migrate it, or take it out of modules in fairway.yaml',
    )
    expect(() => close(['a'], { a: module(['b']), b: other })).toThrow(
      'needed by a → b; migrate it, or take it out of `depends` of a',
    )
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

describe('what Odoo installs by itself', () => {
  const auto = (autoInstall: string[], depends = autoInstall, facts: Partial<ModuleFacts> = {}) =>
    module(depends, { autoInstall, ...facts })
  const added = (own: Record<string, ModuleFacts>, wanted = ['a']) =>
    close(wanted, { a: module(['web']), ...own })

  test('goes on until nothing is added, with all that it needs', () => {
    const { order, autoInstalled } = added({
      m: auto(['web'], ['web', 'extra']),
      extra: module(['deeper']),
      deeper: module(),
      n: auto(['m', 'deeper']),
    })
    expect(autoInstalled).toEqual(['deeper', 'extra', 'm', 'n'])
    expect(order).toEqual(['base', 'web', 'a', 'deeper', 'extra', 'm', 'n'])
  })
  test('waits for each of its triggers, and for none that are not', () => {
    expect(added({ m: auto(['web', 'sale']), n: auto(['sale'], ['web', 'sale']) }).autoInstalled).toEqual([])
    expect(added({ n: auto(['web'], ['web', 'sale']) }).autoInstalled).toEqual(['n', 'sale', 'sale_web'])
  })
  test('comes with an empty list always', () => {
    expect(added({ m: auto([], ['sale']) }, []).autoInstalled).toEqual(['m', 'sale', 'sale_web', 'web'])
  })
  test('is nothing that cannot be installed, nor what it would come with', () => {
    const own = {
      m: auto(['web'], ['web'], { installable: false }),
      n: auto(['web'], ['web'], { unfit: 'x' }),
    }
    expect(added({ ...own, o: auto(['m']), p: auto(['n']) }).autoInstalled).toEqual([])
  })
  test('waits for a company of its country, but for what a database is created with', () => {
    const countries = ['de']
    const closure = added({
      l10n_a: auto(['web'], ['web'], { countries }),
      l10n_b: auto(['base'], ['base'], { countries }),
      l10n_c: auto(['l10n_a'], ['l10n_a', 'sale']),
    })
    expect(closure.autoInstalled).toEqual(['l10n_b'])
    expect(closure.byCountry).toEqual(['l10n_a', 'l10n_c'])
  })
  test('and lacks what it needs is refused with its triggers', () => {
    expect(() => added({ m: auto(['web'], ['web', 'gone'], { file: 'x/m/__manifest__.py' }) })).toThrow(
      'missing module: gone (needed by m → gone); looked in the repository (addons) and the image odoo:19.0 (5 modules); see x/m/__manifest__.py; Odoo installs m by itself with web',
    )
    expect(() => added({ m: auto(['web'], ['web', 'old']) })).toThrow(
      'old is marked installable: False, needed by m → old; migrate it, or take it out of `depends` of m; Odoo',
    )
    // A database is created with what waits for modules that do not exist.
    expect(() => added({ m: auto(['gone']) })).toThrow('gone (needed by m → gone)')
    expect(added({ m: auto(['web', 'gone']) }).autoInstalled).toEqual([])
  })
  test('and lacks what it needs is left out where it is of others', () => {
    const closure = added({
      m: auto(['web'], ['fine', 'gone', 'web'], { optional: true }),
      fine: module(),
      n: auto(['m']),
    })
    expect(closure).toMatchObject({ order: ['base', 'web', 'a'], autoInstalled: [], byCountry: [] })
    expect([...closure.leftOut]).toEqual([['m', expect.stringContaining('missing module: gone')]])
  })
  test('and is found to fail only then is no less automatic', () => {
    const late = { unfit: 'cannot', failsLate: true }
    const closure = added({ m: auto(['web'], ['web'], { ...late, optional: true }) })
    expect([...closure.leftOut]).toEqual([['m', expect.stringContaining('m cannot')]])
    expect(() => added({ m: auto(['web'], ['web'], late) })).toThrow('Odoo installs m by itself with web')
    expect(added({ m: auto(['web'], ['web'], { unfit: 'cannot' }) }).order).not.toContain('m')
  })
  test.each([[['web']], [['base']], [[]], [['a']]])('so too where it waits for %j', (triggers) => {
    const closure = added({ m: auto(triggers, [...triggers, 'gone'], { optional: true }) })
    expect([...closure.leftOut.keys()]).toEqual(['m'])
    expect(closure.order).not.toContain('m')
  })
})

test('modules that exclude each other are refused with both ways to them', () => {
  const own = {
    a: module(['b']),
    b: module([], { excludes: ['sale'], file: 'x/b/__manifest__.py' }),
    c: module(['sale']),
  }
  expect(close(['a'], own).order).toEqual(['base', 'b', 'a'])
  expect(() => close(['a', 'c'], own)).toThrow(
    'the modules b and sale exclude each other (`excludes` in x/b/__manifest__.py), and both would be installed: a → b; c → sale',
  )
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

test('a long way to what is missing is told by its ends', () => {
  const own = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`m${i}`, module(i ? [`m${i - 1}`] : ['gone'])]),
  )
  expect(() => close(['m999'], own)).toThrow(
    'gone (needed by m999 → m998 → m997 → m996 → m995 → m994 → … → m3 → m2 → m1 → m0 → gone)',
  )
  const { leftOut } = close([], {
    ...own,
    tool: module(['base', 'm999'], { autoInstall: ['base'], optional: true }),
  })
  expect(leftOut.get('tool')).toBe(
    'missing module: gone (needed by tool → m999 → m998 → m997 → m996 → … → gone)',
  )
})

test('of many modules that lead to the same fault each is told', () => {
  const tools = ['a', 'b', 'c'].map((name) => [
    name,
    module(['base', 'chain'], { autoInstall: ['base'], optional: true }),
  ])
  const own = { ...Object.fromEntries(tools), chain: module(['ring']), ring: module(['chain']) }
  const { leftOut, order } = close([], own)
  expect(order).toEqual(['base'])
  expect([...leftOut]).toEqual([
    ['a', 'chain depends on itself: a → chain → ring → chain'],
    ['b', 'chain depends on itself: b → chain → ring → chain'],
    ['c', 'chain depends on itself: c → chain → ring → chain'],
  ])
})
