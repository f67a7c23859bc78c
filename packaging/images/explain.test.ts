import { expect, test } from 'vitest'
import { nextStep } from './explain.ts'
import { requireRegistry } from './registry-place.ts'

const registry = 'r.example:5000/odoo'

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
])('build and push: %s', (said, next) => {
  expect(nextStep('build', said, registry)).toMatch(next)
  expect(nextStep('push', said, registry)).toMatch(next)
})

test.each([
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
])('push: %s', (said, next) => {
  expect(nextStep('push', said, registry)).toMatch(next)
})

// As apt of Debian 12 and 13 says it, on the machine itself, to mmdebstrap, and in what `docker build` builds.
const mirrorNotReached = /^Debian’s mirror was not reached.*apt-get update.*http_proxy/
test.each([
  [
    'Could not connect to deb.debian.org:80 (151.101.2.132). - connect (111: Connection refused)',
    mirrorNotReached,
  ],
  ['Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)', mirrorNotReached],
  ['Could not connect to deb.debian.org:80 (10.0.0.1). - connect (13: Permission denied)', mirrorNotReached],
  ['Could not connect to 10.0.0.1:3128 (10.0.0.1), connection timed out', mirrorNotReached],
  ["Temporary failure resolving 'deb.debian.org'", mirrorNotReached],
  ["Could not resolve 'deb.debian.org'", mirrorNotReached],
  ['Unable to connect to deb.debian.org:http:', mirrorNotReached],
  [
    'Cannot initiate the connection to deb.debian.org:80 (2a04:4e42::644). - connect (101: Network is unreachable)',
    mirrorNotReached,
  ],
  ['Err:1 http://deb.debian.org/debian trixie InRelease\n  401  Unauthorized [IP: 10.0.0.1 3128]', /login/],
  ['E: Failed to fetch http://deb.debian.org/x.deb  407  Proxy Authentication Required', /http_proxy=/],
  ['Invalid response from proxy: HTTP/1.1 407 Proxy Authentication Required', /http_proxy=/],
  ['E: Failed to fetch http://deb.debian.org/x.deb  403  Forbidden [IP: 10.0.0.1 80]', /lets nobody in/],
  [
    'Certificate verification failed: The certificate is NOT trusted. The certificate issuer is unknown.',
    /by http:\/\//,
  ],
  ['E: Failed to fetch http://deb.debian.org/x.deb  404  Not Found [IP: 10.0.0.1 80]', /--force/],
  ['E: Unable to locate package odoo-19', /sid/],
  ['E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)', /as root/],
  ['mmdebstrap could not be run: spawn mmdebstrap ENOENT', /on Debian 12 or newer/],
])('build: %s', (said, next) => {
  const advice = nextStep('build', said, registry)
  expect(advice).toMatch(next)
  expect(advice).not.toMatch(/docker login|r\.example|certs\.d/)
})

test('what is not known is left as it was said', () => {
  expect(nextStep('build', 'no space left on device', 'r.example')).toBeUndefined()
  expect(nextStep('push', 'no space left on device', 'r.example')).toBeUndefined()
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
