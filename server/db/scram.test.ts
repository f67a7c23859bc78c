import { expect, test } from 'vitest'
import { scramSecret } from './scram.ts'

test('the same password gives the same secret, in the form that PostgreSQL keeps', () => {
  const secret = scramSecret('one')
  expect(secret).toMatch(/^SCRAM-SHA-256\$4096:[\w+/]{22}==\$[\w+/]{43}=:[\w+/]{43}=$/)
  expect(scramSecret('one')).toBe(secret)
  expect(scramSecret('two')).not.toBe(secret)
})
