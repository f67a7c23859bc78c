import { expect, test } from 'vitest'
import { pythonIndexOf } from '../requirements/index-credentials.ts'
import { registriesOf, registryHostOf } from './registry-credentials.ts'

test.each([
  ['ghcr.io/acme/shop@sha256:0', 'ghcr.io'],
  ['127.0.0.1:5000/acme/shop:1', '127.0.0.1:5000'],
  ['localhost/shop', 'localhost'],
  ['odoo:19.0', 'docker.io'],
  ['acme/odoo', 'docker.io'],
])('%s is of %s', (reference, host) => expect(registryHostOf(reference)).toBe(host))

test('a registry is shown what is its own, and nobody else is', () => {
  const registries = registriesOf({
    'registry:ghcr.io/USERNAME': 'ana',
    'registry:ghcr.io/PASSWORD': 'secret',
  })
  expect(registries('ghcr.io/acme/shop:1')).toEqual({
    username: 'ana',
    password: 'secret',
    serveraddress: 'ghcr.io',
  })
  for (const other of ['ghcr.io.evil.example/x/y', 'ghcr.io:5000/x/y', 'odoo:19.0'])
    expect(registries(other).password).toBe('')
})

test('an index is shown what is its own', () => {
  const secrets = {
    'python:pypi.example:8443/USERNAME': 'ana',
    'python:pypi.example:8443/PASSWORD': 'a "b" \\ c',
  }
  expect(pythonIndexOf('https://pypi.example:8443/simple', secrets).login).toEqual({
    username: 'ana',
    password: 'a "b" \\ c',
  })
  expect(pythonIndexOf('https://pypi.example/simple', secrets).login).toBeUndefined()
  expect(pythonIndexOf('', secrets).login).toBeUndefined()
})
