import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fingerprintOf, fingerprintPattern } from './fingerprint.ts'
import { isBesideCode, judge } from './judge.ts'
import { ruleSetVersion } from './searched-blobs.ts'

// Put together here, so that this file holds none itself.
const together = (...parts: string[]) => parts.join('')

const connection = 'database-connection-string/PostgreSQLConnection'

test.each([
  ['aws/AWSAccessKeyID', together('AKIA', 'IOSFODNN7EXAMPLE')],
  ['aws/AWSSecretAccessKey', together('wJalrXUtnFEMI/', 'K7MDENG/bPxRfiCYEXAMPLEKEY')],
  ['github/GITHUB_TOKEN', together('ghp_', '16C7e42F292c6912', 'E7710c838347Ae178B4a')],
  ['github/GITHUB_TOKEN', together('ghp_', 'x'.repeat(36))],
  [
    'slack/IncomingWebhook',
    together('https://hooks.slack.com/services/', 'T00000000/B00000000/', 'X'.repeat(24)),
  ],
  ['privatekey/PrivateKey', together('-----BEGIN ', 'PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----')],
  [connection, 'postgres://odoo:odoo@db/odoo'],
  [connection, 'postgres://odoo:changeme@db.acme.io/odoo?sslmode=require&x=a@b'],
  ['basicauth/BasicAuth', 'https://user:password@erp.acme.com'],
  ['basicauth/BasicAuth', together('https://$', '{USER}:$', '{PASSWORD}@host')],
])('of %s, %s is an example', (rule, value) => {
  expect(judge(rule, 'sale_x/a.py', value)).toEqual({ severity: 'low', note: 'an example or a placeholder' })
})

test.each([
  ['slack/SLACK_TOKEN', together('xoxb-', '23984754863-2348975623103-abcdefghijklmnopqrstuvwx')],
  ['stripe/STRIPE_SECRET_KEY_LIVE', together('sk_live_', '51HqLyjWDarjtT1zdp7dcAbCd')],
  // Words that stand in a key by chance, or were written before it.
  ['stripe/STRIPE_SECRET_KEY_LIVE', together('sk_live_', '51HqExamplejtT1xxxxxxxxdcAbCd')],
  ['github/GITHUB_TOKEN', together('ghp_', 'dummy7e42F292c6912changemeE7710c8383')],
  [
    'sendgrid/SENDGRID_KEY',
    together('SG.', 'exampleexampleexample1.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKcabcdefg'),
  ],
  // What is no password says nothing of it.
  [connection, 'postgres://shop:S3cr3tProd9xx@db.acme.io:5432/example'],
  [connection, 'postgres://shop:S3cr3tProd9xx@example-shop.rds.amazonaws.com/shop'],
  [connection, 'mysql://admin:S3cr3tProd9xx@127.0.0.1:3306/shop'],
  [connection, 'mysql://admin:S3cr3tProd9xx@localhost/xxxxxxxx'],
  [connection, 'mongodb+srv://example:S3cr3t/Pr@d9xx@h1.acme.io/test'],
  ['basicauth/BasicAuth', 'https://demo:hunter2hunter2@example.com'],
  // Keys of OpenSSH hold runs of one letter, and a long one any word.
  [
    'privatekey/PrivateKey',
    together(
      '-----BEGIN OPENSSH ',
      `PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt${'Zx9'.repeat(90)}`,
    ),
  ],
])('of %s, %s is none', (rule, value) => {
  expect(judge(rule, 'sale_x/a.py', value).note).toBe('')
})

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

test('a fingerprint names rule, path and value, and is the same for ever', async () => {
  const one = await fingerprintOf('a/B', 'x.py', 'value')
  expect(one).toMatch(fingerprintPattern)
  expect(one).toBe('1706c1d30cc4f470e763bdca83358b7c')
  const others = await Promise.all([
    fingerprintOf('a/C', 'x.py', 'value'),
    fingerprintOf('a/B', 'y.py', 'value'),
    fingerprintOf('a/B', 'x.py', 'valuf'),
  ])
  expect(new Set([one, ...others]).size).toBe(4)
})

test('what was searched by other rules is not remembered: the version of the rules is the one in use', async () => {
  const { dependencies } = JSON.parse(
    await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  const version = dependencies['@secretlint/secretlint-rule-preset-recommend']
  expect(ruleSetVersion).toMatch(new RegExp(`^secretlint ${version}, \\d+$`))
})
