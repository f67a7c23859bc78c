import { expect, test } from 'vitest'
import { createLock, imageKey, noPackages } from './lock.ts'
import { parseLock } from './lock-document.ts'

const a = { name: 'a', path: 'addons/a', treeId: '1'.repeat(40), repository: '' }
const b = { name: 'b', path: 'addons/b', treeId: '2'.repeat(40), repository: '' }
const base = {
  commit: 'c',
  treeId: 't',
  base: { image: 'odoo:19.0', digest: 'sha256:0' },
  submodules: [],
  sources: [],
  closure: ['base', 'a'],
  ...noPackages,
}

test('the order in which addons were found changes nothing', () => {
  expect(imageKey('sha256:0', [a, b])).toBe(imageKey('sha256:0', [b, a]))
  expect(createLock({ ...base, addons: [b, a] })).toEqual(createLock({ ...base, addons: [a, b] }))
})

test('an addon, its content or the base changes the key; the commit alone does not', () => {
  const key = imageKey('sha256:0', [a, b])
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(imageKey('sha256:1', [a, b])).not.toBe(key)
  expect(imageKey('sha256:0', [a])).not.toBe(key)
  // It is in another layer then.
  expect(imageKey('sha256:0', [a, { ...b, repository: 'oca/web' }])).not.toBe(key)
  expect(imageKey('sha256:0', [a, { ...b, treeId: '3'.repeat(40) }])).not.toBe(key)
})

test('the lock is the same text for ever', () => {
  expect(createLock({ ...base, addons: [a] })).toMatchSnapshot()
})

test('addons of packages make a lock of version 3, and no other key: the packages have it', () => {
  const packaged = {
    name: 'b',
    package: 'odoo-addon-b',
    path: 'odoo-addon-b/odoo/addons/b',
    treeId: '3'.repeat(40),
  }
  const input = { ...base, base: { image: 'odoo:19.0', digest: `sha256:${'0'.repeat(64)}` } }
  const ids = { commit: '4'.repeat(40), treeId: '5'.repeat(40) }
  const { document } = createLock({ ...input, ...ids, addons: [a, packaged] })
  expect(parseLock(document, 'fairway.lock')).toMatchObject({
    version: 3,
    addons: [{ name: 'a' }, { name: 'b', package: 'odoo-addon-b', tree: packaged.treeId }],
  })
  expect(parseLock(createLock({ ...input, ...ids, addons: [a] }).document, 'fairway.lock')).toMatchObject({
    version: 2,
  })
})
