import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findCompileCache } from './compile-cache.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fairway-cache-'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('it is below the cache of whoever calls, and made when it is not there', () => {
  const cacheHome = join(home, '.cache')
  expect(findCompileCache(cacheHome)).toBe(join(cacheHome, 'fairway/compiled'))
  expect(findCompileCache(cacheHome)).toBe(join(cacheHome, 'fairway/compiled'))
})

test('a home that is not there is not made', () => {
  expect(findCompileCache(join(home, 'nobody/.cache'))).toBeUndefined()
  expect(existsSync(join(home, 'nobody'))).toBe(false)
})

test.each([0o777, 0o775, 0o722])('not where others may write (%o)', (mode) => {
  mkdirSync(join(home, 'fairway'))
  chmodSync(join(home, 'fairway'), mode)
  expect(findCompileCache(home)).toBeUndefined()
})

test('not behind a link, and not where there is a file', () => {
  mkdirSync(join(home, 'elsewhere'))
  symlinkSync(join(home, 'elsewhere'), join(home, 'fairway'))
  expect(findCompileCache(home)).toBeUndefined()
  expect(findCompileCache(import.meta.filename)).toBeUndefined()
})
