import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLock, type LockedSource, noPackages } from './lock.ts'
import { readPins } from './pins.ts'

let files: string
beforeEach(async () => {
  files = await mkdtemp(join(tmpdir(), 'fairway-pins-'))
})
afterEach(() => rm(files, { recursive: true }))

const id = (digit: number) => String(digit).repeat(40)
const url = 'https://git.example/web'
const plain: LockedSource = { path: '.fairway-sources/web', url, ref: '19.0', commit: id(5), merges: [] }
const merged: LockedSource = {
  ...plain,
  merges: [
    { url, ref: '19.0', commit: id(6) },
    { url, ref: '', commit: id(7) },
  ],
}
const lockOf = (...sources: LockedSource[]) =>
  createLock({
    commit: id(1),
    treeId: id(2),
    base: { image: 'odoo:19.0', digest: `sha256:${'3'.repeat(64)}` },
    submodules: [],
    sources,
    addons: [],
    closure: [],
    ...noPackages,
    apt: [{ name: 'libxml2', version: '2.9' }],
  }).document
const commitLock = (document: string) => writeFile(join(files, 'fairway.lock'), document)
const read = (lock = '', refresh = false) => readPins(files, { lock, refresh })
const wanted = (...from: { url: string; ref: string; commit: string }[]) => ({
  path: plain.path,
  from,
  declaredIn: 'oca_dependencies.txt:1',
})

test('fairway.lock goes before the lock of a run, and a refresh before both', async () => {
  expect((await read()).from).toBeUndefined()
  expect((await read(lockOf(plain))).from).toBe('lock.json')
  await commitLock(lockOf(merged))
  const pins = await read(lockOf(plain))
  expect(pins).toMatchObject({ from: 'fairway.lock', apt: [{ name: 'libxml2', version: '2.9' }], python: [] })
  expect(await read(lockOf(plain), true)).toMatchObject({ from: undefined, apt: [] })
})

test('a pin holds where it fits, and elsewhere it is named', async () => {
  const warnings: string[] = []
  const warn = (text: string) => void warnings.push(text)
  const pins = await read(lockOf(plain))
  expect(pins.findSource(wanted({ url, ref: '19.0', commit: '' }), warn)).toEqual({
    commit: id(5),
    from: [id(5)],
  })
  expect(warnings).toEqual([])
  expect(pins.findSource(wanted({ url, ref: '18.0', commit: '' }), warn)).toBeUndefined()
  expect(pins.findSource(wanted({ url: `${url}2`, ref: '19.0', commit: '' }), warn)).toBeUndefined()
  expect(pins.findSource(wanted({ url, ref: '', commit: id(5) }), warn)).toBeUndefined()
  expect(warnings[0]).toBe(
    `lock.json: .fairway-sources/web is pinned for 19.0 of ${url}, but oca_dependencies.txt:1 asks for 18.0 of ${url}: it is resolved anew; run \`fairway lock --update\``,
  )
  expect(warnings).toHaveLength(3)
})

test('a merge holds as a whole', async () => {
  const pins = await read(lockOf(merged))
  const first = { url, ref: '19.0', commit: '' }
  const second = { url, ref: '19.0', commit: id(7) }
  const ignore = () => undefined
  expect(pins.findSource(wanted(first, second), ignore)).toEqual({ commit: id(5), from: [id(6), id(7)] })
  expect(pins.findSource(wanted(first), ignore)).toBeUndefined()
  expect(pins.findSource(wanted(first, { ...second, commit: id(8) }), ignore)).toBeUndefined()
})

test('fairway.lock says what it lacks, and what it has for nothing', async () => {
  await commitLock(lockOf(plain))
  const pins = await read()
  const warnings: string[] = []
  const other = { ...wanted({ url, ref: '19.0', commit: '' }), path: '.fairway-sources/other' }
  expect(pins.findSource(other, (text) => void warnings.push(text))).toBeUndefined()
  expect(warnings).toEqual([
    'fairway.lock: .fairway-sources/other of oca_dependencies.txt:1 is not in it: it is resolved anew; run `fairway lock --update`',
  ])
  expect(pins.listUnused(new Set())).toEqual([
    'fairway.lock: .fairway-sources/web is pinned, but nothing asks for it any more; run `fairway lock --update`',
  ])
  expect(pins.listUnused(new Set([plain.path]))).toEqual([])
})

test('the base is pinned for the name it was asked for by', async () => {
  const pins = await read(lockOf())
  expect(pins.findBase('odoo:19.0')).toBe(`sha256:${'3'.repeat(64)}`)
  expect(pins.findBase('odoo:18.0')).toBeUndefined()
})

test('a fairway.lock that is no plain file is refused', async () => {
  await symlink('/etc/passwd', join(files, 'fairway.lock'))
  await expect(read()).rejects.toMatchObject({ reason: 'lock-invalid' })
})
