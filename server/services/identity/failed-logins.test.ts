import { expect, test } from 'vitest'
import { DomainError } from '../../errors.ts'
import { countFailedLogins } from './failed-logins.ts'

const fail = () => Promise.reject(new DomainError('unauthenticated', 'code-invalid', 'no'))
const succeed = () => Promise.resolve('in')

test('an address that failed too often is refused until the time is over, others are not', async () => {
  let time = 0
  const failed = countFailedLogins({ limit: 3, windowMs: 1_000, now: () => time })
  for (let index = 0; index < 3; index++) {
    await expect(failed.guard('one', fail)).rejects.toMatchObject({ reason: 'code-invalid' })
  }
  await expect(failed.guard('one', succeed)).rejects.toMatchObject({ reason: 'too-many-attempts' })
  expect(await failed.guard('two', succeed)).toBe('in')
  time = 1_001
  expect(await failed.guard('one', succeed)).toBe('in')
})

test('what is not the caller’s fault is not counted', async () => {
  const failed = countFailedLogins({ limit: 1 })
  const away = () => Promise.reject(new DomainError('unavailable', 'issuer-unavailable', 'away'))
  for (let index = 0; index < 3; index++) {
    await expect(failed.guard('one', away)).rejects.toMatchObject({ reason: 'issuer-unavailable' })
  }
  expect(await failed.guard('one', succeed)).toBe('in')
})
