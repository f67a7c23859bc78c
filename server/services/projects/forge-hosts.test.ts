import { expect, test } from 'vitest'
import { isAtOtherForge } from './forge-hosts.ts'

test.each([
  ['https://github.com/acme/odoo.git', 'github:7', false],
  ['ssh://git@ssh.github.com:443/acme/odoo.git', 'gitlab:7', true],
  ['git@GitLab.com:acme/odoo.git', 'github:7', true],
  ['https://gitlab.acme.io/acme/odoo.git', 'github:7', true],
  ['https://gitlab.acme.io/acme/odoo.git', 'gitlab:7', false],
  ['https://codeberg.org/acme/odoo.git', 'gitea:7', false],
  ['https://bitbucket.org/acme/odoo.git', 'gitea:7', true],
  ['https://git.acme.io/acme/odoo.git', 'github:7', false],
  ['https://constructor/acme/odoo.git', 'github:7', false],
])('%s is elsewhere than %s: %s', (url, repository, is) => {
  expect(isAtOtherForge(url, { repository, owner: 'any:1' })).toBe(is)
})
