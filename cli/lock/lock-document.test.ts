import { expect, test } from 'vitest'
import { changeLine, changesOf } from './lock-changes.ts'
import { parseLockDocument } from './lock-document.ts'

const first = JSON.stringify({
  version: 1,
  base: 'sha256:old',
  commit: 'c1',
  submodules: [{ path: 'oca/web', url: 'https://git.example/web.git', commit: 'a'.repeat(40) }],
})
const second = {
  version: 2,
  base: { image: 'registry.example/odoo:19.0', digest: 'sha256:new' },
  commit: 'c2',
  sources: [{ path: 'oca/sale', url: 'https://git.example/sale.git', ref: '19.0', commit: 'b'.repeat(40) }],
  submodules: [],
  python: [{ name: 'num2words', version: '0.5.13', hashes: ['sha256:0'] }],
  apt: [{ name: 'num2words', version: '1' }],
}

test('locks of every version are read, and what is no lock is not', () => {
  expect(parseLockDocument(first)).toEqual({
    base: 'sha256:old',
    commit: 'c1',
    repositories: [{ path: 'oca/web', url: 'https://git.example/web.git', ref: '', commit: 'a'.repeat(40) }],
    packages: [],
  })
  expect(parseLockDocument(JSON.stringify({ sources: 'odd', python: [1, null] })).packages).toEqual([])
  expect(() => parseLockDocument('[]')).toThrow(SyntaxError)
})

test('what is pinned otherwise is told by its kind and name', () => {
  const newer = {
    ...second,
    python: [{ ...second.python[0], version: '0.5.14' }],
    sources: [{ ...second.sources[0], commit: 'd'.repeat(40) }],
  }
  const lines = (before: string, after: object) =>
    changesOf(parseLockDocument(before), parseLockDocument(JSON.stringify(after))).map(changeLine)
  expect(lines(first, second)).toEqual([
    'base image  sha256:old → registry.example/odoo:19.0@sha256:new',
    'repository oca/web  aaaaaaaaaa → gone',
    'repository oca/sale  new → bbbbbbbbbb',
    'python num2words  new → 0.5.13',
    'apt num2words  new → 1',
  ])
  expect(lines(JSON.stringify(second), newer)).toEqual([
    'repository oca/sale  bbbbbbbbbb → dddddddddd',
    'python num2words  0.5.13 → 0.5.14',
  ])
  expect(lines(first, JSON.parse(first))).toEqual([])
  const merged = (pull: string) => ({
    ...second,
    sources: [
      {
        path: 'oca/web',
        url: 'https://git.example/web',
        ref: '19.0',
        commit: pull.repeat(40),
        merges: [
          { url: 'https://git.example/web', ref: '19.0', commit: '1'.repeat(40) },
          { url: 'https://git.example/web', ref: 'refs/pull/7/head', commit: pull.repeat(40) },
        ],
      },
    ],
  })
  // The merge itself is in no repository.
  expect(lines(JSON.stringify(merged('2')), merged('3'))).toEqual([
    'repository oca/web (refs/pull/7/head of https://git.example/web)  2222222222 → 3333333333',
  ])
})
