import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isExample } from './examples.ts'
import { fingerprintOf, fingerprintPattern } from './fingerprint.ts'
import { isBesideCode, judge } from './judge.ts'
import { ruleSetVersion } from './searched-blobs.ts'

// Put together here, so that this file holds none itself.
const together = (...parts: string[]) => parts.join('')

test.each([
  together('AKIA', 'IOSFODNN7EXAMPLE'),
  together('wJalrXUtnFEMI/', 'K7MDENG/bPxRfiCYEXAMPLEKEY'),
  together('ghp_', '16C7e42F292c6912', 'E7710c838347Ae178B4a'),
  together('ghp_', 'x'.repeat(36)),
  together('https://hooks.slack.com/services/', 'T00000000/B00000000/', 'X'.repeat(24)),
  'postgres://odoo:odoo@db/odoo',
  'https://user:password@erp.acme.com',
  'https://bob:s3cret9@example.com/x',
  'https://bob:s3cret9@localhost:8069',
  together('https://$', '{USER}:$', '{PASSWORD}@host'),
  'your-api-key-here',
])('%s is an example', (value) => expect(isExample(value)).toBe(true))

test.each([
  together('xoxb-', '23984754863-2348975623103-abcdefghijklmnopqrstuvwx'),
  together('sk_live_', '51HqLyjWDarjtT1zdp7dcAbCd'),
  'https://bob:hunter2hunter2@erp.acme.com',
  // Keys of OpenSSH hold runs of one letter, and a long one any word.
  together(
    '-----BEGIN OPENSSH ',
    `PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt${'Zx9'.repeat(90)}`,
  ),
])('%s is none', (value) => expect(isExample(value)).toBe(false))

test.each([
  'sale_x/tests/test_pay.py',
  'sale_x/demo/demo.xml',
  'docs/a.txt',
  'x/README.rst',
  'x/key.pem.example',
  'Fixtures/key.pem',
  'test_key.py',
])('%s is beside the code', (path) => expect(isBesideCode(path)).toBe(true))

test.each(['sale_x/models/a.py', 'contest/key.pem', 'testing_tools.py', 'demonstration/key', '.env'])(
  '%s is not',
  (path) => expect(isBesideCode(path)).toBe(false),
)

test('only rules that go by a form alone are less grave there', () => {
  expect(judge('privatekey/PrivateKey', 'tests/a.pem', 'x9')).toMatchObject({ severity: 'medium' })
  expect(judge('gcp/PrivateKeyJSON', 'tests/a.json', 'x9')).toMatchObject({ severity: 'critical', note: '' })
  expect(judge('github/GITHUB_TOKEN', 'tests/a.py', 'x9').severity).toBe('critical')
  expect(judge('npm/NPM_ACCESS_TOKEN', 'docs/a.md', 'x9').severity).toBe('high')
})

test('a fingerprint names rule, path and value, and is the same for ever', () => {
  const one = fingerprintOf('a/B', 'x.py', 'value')
  expect(one).toMatch(fingerprintPattern)
  expect(one).toBe('1706c1d30cc4f470e763bdca83358b7c')
  const others = [
    fingerprintOf('a/C', 'x.py', 'value'),
    fingerprintOf('a/B', 'y.py', 'value'),
    fingerprintOf('a/B', 'x.py', 'valuf'),
  ]
  expect(new Set([one, ...others]).size).toBe(4)
})

test('what was searched by other rules is not remembered: the version of the rules is the one in use', async () => {
  const { dependencies } = JSON.parse(
    await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  const version = dependencies['@secretlint/secretlint-rule-preset-recommend']
  expect(ruleSetVersion).toMatch(new RegExp(`^secretlint ${version}, \\d+$`))
})
