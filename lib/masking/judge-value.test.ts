import { expect, test } from 'vitest'
import { judgeValue } from './judge-value.ts'

test.each([
  'production',
  'Staging',
  ' true\n',
  '1234',
  '8069',
  '-1',
  '99.90',
  'abc',
  'odoo',
  'fr_FR',
  'en_US.UTF-8',
  'smtp.example.com',
  'smtp.example.com:587',
  'https://api.example.com',
  'https://api.example.com/',
  'redis://cache:6379',
  '10.0.0.7',
  '[::1]:5432',
  'db.internal',
  'erp.acme.de',
  'db.acme.corp:5432',
  'localhost',
  'localhost:8069',
])('%j is masked nowhere, and it is said why', (value) => {
  const { reach, because } = judgeValue(value)
  expect(reach).toBe('nowhere')
  expect(because).toMatch(/^it /)
})

test.each([
  'hunter2',
  'hunter22',
  '12345678',
  'x7Kp',
  'swordfish',
  'summer.holiday',
  'hunter-2.fritz',
  'pass.word-xyz',
  '482913',
  '-48291.5x',
  'a'.repeat(32_768),
  'cache:6379x',
  'ab://u:pass@x.y',
  'me@example.com',
])('%j is masked where it was given', (value) => {
  expect(judgeValue(value).reach).toBe('environment')
})

test.each([
  'staging-canary-4711',
  'correct horse battery staple',
  'correct.horse.battery.staple',
  'https://hooks.example.com/services/T0000/B0000/XXXXXXXXabcdef',
  'postgres://shop:s3cret@db.example.com/shop',
  'SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc',
  'eyjhbgcioijiuzi1nij9abcdefghijkl.eyjzdwiioiixmjm0.dozjgnryp4j3jvmnhl',
  '123456789:aahdqtcvch1vgwjxfseofsas0k5paldsawc',
])('%j is masked in all of its project', (value) => {
  expect(judgeValue(value).reach).toBe('project')
})
