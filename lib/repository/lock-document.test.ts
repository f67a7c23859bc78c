import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TaskError } from '../faults/task-error.ts'
import { createLock } from './lock.ts'
import { parseLock } from './lock-document.ts'

const id = (digit: number) => String(digit).repeat(40)
const input = {
  commit: id(1),
  treeId: id(2),
  base: { image: 'registry.example/odoo:19.0', digest: `sha256:${'3'.repeat(64)}` },
  submodules: [{ path: 'oca/web', url: 'https://git.example/web', commit: id(4) }],
  sources: [
    {
      path: '.fairway-sources/sale',
      url: 'https://git.example/sale',
      ref: '19.0',
      commit: id(5),
      merges: [
        { url: 'https://git.example/sale', ref: '19.0', commit: id(6) },
        { url: 'https://git.example/sale', ref: 'refs/pull/1/head', commit: id(7) },
      ],
    },
  ],
  addons: [{ name: 'a', path: 'addons/a', treeId: id(8) }],
  closure: ['base', 'a'],
  python: [{ name: 'num2words', version: '0.5.14', hashes: [`sha256:${'9'.repeat(64)}`] }],
  pythonIndex: 'https://pypi.example/simple',
  apt: [
    { name: 'libc6:i386', version: '2.36-9+deb12u10' },
    { name: 'libxml2', version: '2:2.9.14+dfsg-1.3~deb12u1' },
  ],
}
const { document } = createLock(input)
const parse = (text: string) => parseLock(text, 'fairway.lock')
const changed = (change: (value: { sources: object[]; python: object[] }) => object) =>
  JSON.stringify({ ...JSON.parse(document), ...change(JSON.parse(document)) })

test('what is written is what is read', () => {
  const read = parse(document)!
  const { addons, base, tree, recipe: _recipe, version: _version, ...rest } = read
  const again = createLock({
    ...rest,
    base,
    treeId: tree,
    addons: addons.map(({ tree: treeId, ...addon }) => ({ ...addon, treeId })),
  })
  expect(again.document).toBe(document)
})

test('a lock of version 1 pinned nothing', () => {
  expect(parse('{"version": 1, "anything": []}')).toBeUndefined()
})

describe('refused, with the place', () => {
  test.each([
    ['', 'fairway.lock: no JSON: Unexpected end of JSON input'],
    ['{\n  "version": 2,\n  oops\n}', 'fairway.lock:3:3: no JSON: Expected'],
    ['<<<<<<< HEAD\n', "fairway.lock: no JSON: Unexpected token '<'"],
    ['[]', 'reads locks up to version 3, not of none'],
    ['null', 'not of none'],
    ['{"version": 4}', 'not of 4'],
    [changed(() => ({ commit: 'HEAD' })), 'fairway.lock: commit: a full commit id is expected'],
    [
      changed(({ sources }) => ({ sources: [sources[0], sources[0]] })),
      'sources: .fairway-sources/sale is there a second time',
    ],
    [
      changed(({ python }) => ({ python: [python[0], python[0]] })),
      'python: num2words is there a second time',
    ],
    [changed(() => ({ python: [{ name: 'x', version: '1', hashes: [] }] })), 'python.0.hashes'],
    [changed(() => ({ python: [{ name: '--index-url', version: '1', hashes: [] }] })), 'python.0.name'],
    [changed(() => ({ apt: [{ name: '-o', version: '1' }] })), 'apt.0.name'],
    [changed(() => ({ addons: [{ name: 'a', path: '../a', tree: id(1) }] })), 'addons.0.path: a path inside'],
    [changed(() => ({ more: 1 })), 'the document: Unrecognized key: "more"'],
    [`"${'x'.repeat(3 * 1024 ** 2)}"`, 'larger than 2 MiB'],
  ])('%#', (text, message) => {
    expect(() => parse(text)).toThrow(message)
    expect(() => parse(text)).toThrow('run `fairway lock --update`')
  })
})

test('whatever the document: read, or refused as a lock', () => {
  const value = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .tuple(fc.constantFrom(...Object.keys(JSON.parse(document))), fc.jsonValue())
      .map(([key, part]) => changed(() => ({ [key]: part }))),
    fc.nat(document.length).map((length) => document.slice(0, length)),
  )
  fc.assert(
    fc.property(value, (text) => {
      try {
        parse(text)
      } catch (error) {
        expect(error).toBeInstanceOf(TaskError)
        expect(error).toMatchObject({ reason: 'lock-invalid' })
      }
    }),
  )
})
