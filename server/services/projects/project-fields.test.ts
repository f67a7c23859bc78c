import { expect, test } from 'vitest'
import { isAtHost } from './project-fields.ts'

test.each([
  ['https://github.com/acme/odoo.git', true],
  ['https://GitHub.com/acme/odoo', true],
  ['ssh://git@ssh.github.com:443/acme/odoo.git', true],
  ['git@github.com:acme/odoo.git', true],
  ['https://git.example/acme/odoo.git', false],
  ['https://github.com.evil.example/acme/odoo.git', false],
  ['git@git.example:github.com/odoo.git', false],
  ['https://git.example/github.com/acme', false],
])('%s is at github.com: %s', (url, is) => {
  expect(isAtHost(url, 'github.com')).toBe(is)
})
