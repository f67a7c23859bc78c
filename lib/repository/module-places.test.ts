import { expect, test } from 'vitest'
import { type PlacedAddon, requireOnePlace } from './module-places.ts'

const addon = (path: string, source = ''): PlacedAddon => ({
  module: path.split('/').at(-1)!,
  path,
  source,
  inImage: 'addons-folder',
  name: '',
  version: '',
  depends: [],
  installable: true,
  countries: [],
  excludes: [],
  hasNeutralize: false,
  hasMigrations: false,
  hasTests: false,
  hasHooks: false,
  externalPython: [],
  externalBin: [],
  file: `${path}/__manifest__.py`,
  isPackage: true,
  data: [],
  demo: [],
  writtenVersion: { text: '', isString: true },
})
const own = addon('addons/sale_x')
const theirs = addon('.fairway-sources/web/sale_x', '.fairway-sources/web')
const placeOf = ({ path, source }: PlacedAddon) => `${path} (${source || 'own'})`

test('a module that is there twice is refused with both places', () => {
  expect(() => requireOnePlace([own, theirs], placeOf, () => false, expect.fail)).toThrow(
    'the module sale_x exists 2 times: addons/sale_x (own); .fairway-sources/web/sale_x (.fairway-sources/web); keep one, or leave one out with sources.exclude in fairway.yaml',
  )
})

test('one that is preferred takes the place of others, which is said; two do not', () => {
  const warnings: string[] = []
  const warn = (text: string) => void warnings.push(text)
  const other = addon('.fairway-sources/web/web_x', '.fairway-sources/web')
  const isOwn = ({ source }: PlacedAddon) => source === ''
  expect(requireOnePlace([own, theirs, other], placeOf, isOwn, warn)).toEqual([other, own])
  expect(warnings).toEqual([
    'addons/sale_x (own) takes the place of .fairway-sources/web/sale_x (.fairway-sources/web)',
  ])
  expect(() => requireOnePlace([own, addon('b/sale_x')], placeOf, isOwn, warn)).toThrow('exists 2 times')
})
