import { expect, test } from 'vitest'
import { isOutdated } from './repository-name.ts'

const day = (number: number) => new Date(Date.UTC(2026, 10, number))

const project = {
  repository_slug: 'acme/erp',
  former_slugs: ['acme/odoo', 'Acme/Shop'],
  repository_updated_at: day(10),
}

test.each<[string, boolean, { slug?: string; updatedAt?: Date; isNews?: boolean }]>([
  ['a push of the same state', false, { updatedAt: day(10) }],
  ['a push that says no time', false, {}],
  ['a late push', true, { updatedAt: day(9) }],
  ['a new name', false, { slug: 'acme/tree', updatedAt: day(11) }],
  ['a new name without a time', false, { slug: 'acme/tree' }],
  ['a new name that comes late', true, { slug: 'acme/tree', updatedAt: day(9), isNews: true }],
  ['a name that was left', true, { slug: 'acme/odoo' }],
  ['one that was left, in other letters', true, { slug: 'ACME/shop' }],
  ['one that was left, in a late event', true, { slug: 'acme/odoo', updatedAt: day(9), isNews: true }],
  [
    'one that was left, in an event of that time',
    true,
    { slug: 'acme/odoo', updatedAt: day(10), isNews: true },
  ],
  ['one that was left, in an event of no time', true, { slug: 'acme/odoo', isNews: true }],
  ['one that was left, in a newer push', true, { slug: 'acme/odoo', updatedAt: day(11) }],
  ['one that was left, in a newer event', false, { slug: 'acme/odoo', updatedAt: day(11), isNews: true }],
])('%s is outdated: %s', (_, is, { slug = 'acme/erp', ...claim }) => {
  expect(isOutdated(project, { slug, pin: undefined, ...claim })).toBe(is)
})

test('a name that was left is had again by no event where nothing is known of its time', () => {
  const claim = { slug: 'acme/odoo', pin: undefined, updatedAt: day(11), isNews: true }
  expect(isOutdated({ ...project, repository_updated_at: null }, claim)).toBe(true)
})
