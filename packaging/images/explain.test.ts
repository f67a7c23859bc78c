import { expect, test } from 'vitest'
import { nextStep } from './explain.ts'
import { requireRegistry } from './registry-place.ts'

// As Docker 20, 26 and 28 say it.
test.each([
  ['docker could not be run: spawn docker ENOENT', /no Docker on this machine/],
  [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    /systemctl start docker/,
  ],
  [
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
    /as root/,
  ],
  [
    'Get "https://r.example:5000/v2/": http: server gave HTTP response to HTTPS client',
    /insecure-registries.*r\.example:5000/,
  ],
  [
    'Get "https://r.example:5000/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    /certs\.d\/r\.example:5000\/ca\.crt/,
  ],
  ['Get "https://r.example:5000/v2/": x509: certificate is valid for a, not b', /certs\.d/],
  ['no basic auth credentials', /docker login r\.example:5000/],
  ['denied: requested access to the resource is denied', /docker login/],
  ['Get "https://r.example:5000/v2/": dial tcp: lookup r.example: no such host', /cannot be reached/],
  [
    'Get "https://r.example:5000/v2/": dial tcp 10.0.0.5:5000: connect: connection refused',
    /cannot be reached/,
  ],
  ['An image does not exist locally with the tag: r.example:5000/odoo/fairway/odoo', /images build/],
])('%s', (said, next) => {
  expect(nextStep(said, 'r.example:5000/odoo')).toMatch(next)
})

test('what is not known is left as it was said', () => {
  expect(nextStep('no space left on device', 'r.example')).toBeUndefined()
})

test.each(['registry.example', 'localhost/x', '127.0.0.1:5000', 'r.example:5000/team/odoo', 'r.example/'])(
  '%s is a registry',
  (text) => expect(requireRegistry(text)).toBe(text.replace(/\/$/, '')),
)

test.each([
  undefined,
  '',
  'registry',
  'https://r.example',
  'r.example/UP',
  'r.example//x',
  'r.example/../x',
  '-r.example',
  'r.example:5000000',
  'r.example; rm -rf /',
  'user@r.example',
])('%s is none', (text) => expect(() => requireRegistry(text)).toThrow(/registry|follows/i))
