import { expect, test } from 'vitest'
import { plainUrl } from './known-base.ts'

test('one repository has one address, however it is written', () => {
  const written = [
    'https://git.example/acme/Shop.git',
    'https://me:token@git.example/acme/shop',
    'git@git.example:acme/shop.git',
    'ssh://git@git.example/acme/shop/',
  ]
  expect([...new Set(written.map(plainUrl))]).toEqual(['git.example/acme/shop'])
  expect(plainUrl('https://git.example:8443/acme/shop')).toBe('git.example:8443/acme/shop')
  expect(plainUrl('/srv/git/shop.git')).toBe('/srv/git/shop')
})
