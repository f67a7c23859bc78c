import { expect, test } from 'vitest'
import { createOneTimePassword, hashPassword } from './one-time-password.ts'

// Odoo itself takes such a hash in test/integration/neutral-clone.test.ts.

test('a hash is written as passlib writes it', async () => {
  const salt = Buffer.from('.HkqATFbR/pUdTAnwxmkFg'.replaceAll('.', '+'), 'base64')
  expect(salt).toHaveLength(16)
  const hash = await hashPassword('secret', salt, 1000)
  expect(hash).toMatch(/^\$pbkdf2-sha512\$1000\$[A-Za-z0-9./]{22}\$[A-Za-z0-9./]{86}$/)
  expect(hash.split('$')[3]).toBe('.HkqATFbR/pUdTAnwxmkFg')
})

test('each password is another one, long enough, and easy to read aloud', async () => {
  const [one, two] = await Promise.all([createOneTimePassword(), createOneTimePassword()])
  expect(one.password).toMatch(/^[a-hj-km-np-z0-9]{5}(-[a-hj-km-np-z0-9]{5}){3}$/)
  expect(one.password).not.toBe(two.password)
  expect(one.hash).not.toContain(one.password)
  expect(one.hash.split('$')[2]).toBe('600000')
})
