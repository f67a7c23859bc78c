import { expect, test } from 'vitest'
import { isAtHost, parseRepositoryUrl, renamedUrl } from './project-fields.ts'

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

test.each([
  ['https://git.example/acme/odoo.git', 'https://git.example/acme/odoo.git', 'acme/odoo'],
  ['ssh://git@git.example:2222/acme/odoo.git', 'ssh://git@git.example:2222/acme/odoo.git', 'acme/odoo'],
  ['ssh://git@git.example/~ben/odoo.git', 'ssh://git@git.example/~ben/odoo.git', 'ben/odoo'],
  ['git@git.example:acme/odoo.git', 'git@git.example:acme/odoo.git', 'acme/odoo'],
  ['gitolite3@git.example:odoo', 'gitolite3@git.example:odoo', 'odoo'],
  ['/srv/git/acme.git', 'file:///srv/git/acme.git', 'srv/git/acme'],
  ['/srv/git/acme.git/', 'file:///srv/git/acme.git', 'srv/git/acme'],
  ['file:///srv/git/acme.git', 'file:///srv/git/acme.git', 'srv/git/acme'],
  ['file:/srv/git/acme.git', 'file:///srv/git/acme.git', 'srv/git/acme'],
  ['FILE:///srv/git/acme', 'file:///srv/git/acme', 'srv/git/acme'],
])('%s is %s', (text, url, slug) => {
  expect(parseRepositoryUrl(text)).toEqual({ url, slug })
  // What is kept is read again.
  expect(parseRepositoryUrl(url)).toEqual({ url, slug })
})

test.each([
  ['/', 'no whole path'],
  ['//srv/git', 'no whole path'],
  ['/srv/../etc', 'no whole path'],
  ['/srv/./git', 'no whole path'],
  ['/srv//git', 'no whole path'],
  ['file://host/srv/git', 'no whole path'],
  ['file:srv/git', 'no whole path'],
  ['file:////srv/git', 'no whole path'],
  ['/srv/%2e%2e/etc', 'other characters'],
  ['file:///srv/git/%2fetc', 'other characters'],
  ['/srv/git/a;b', 'other characters'],
  ['srv/git/acme.git', 'absolute path'],
  ['./acme.git', 'absolute path'],
  ['~/acme.git', 'absolute path'],
  ['git://git.example/acme/odoo.git', 'nothing protects'],
  ['-oProxyCommand=id@git.example:x', 'must begin'],
  ['git@-oProxyCommand=id:x', 'must begin'],
  ['ext::sh -c id', 'white space'],
  ['https://ben@git.example/acme/odoo.git', 'user name'],
])('%s is refused: %s', (text, why) => {
  expect(() => parseRepositoryUrl(text)).toThrow(why)
})

test('a delivery renames an address and never a path, beside which others’ repositories may lie', () => {
  const rename = (url: string) => renamedUrl(url, 'srv/git/acme', 'srv/git/other')
  expect(rename('https://git.example/srv/git/acme.git')).toBe('https://git.example/srv/git/other.git')
  expect(rename('file:///srv/git/acme.git')).toBeUndefined()
  expect(renamedUrl('file:///srv/git/acme.git', 'srv/git/acme', 'git/acme')).toBe('file:///srv/git/acme.git')
})
