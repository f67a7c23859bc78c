import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { DomainError } from '../../errors.ts'
import { changesOf } from './changes.ts'
import { defaultPolicy, policySchema } from './document.ts'
import { renderPolicyJsonSchema } from './json-schema.ts'
import { parsePolicy } from './parse.ts'

test('nothing set is safe', () => {
  expect(parsePolicy('# nothing yet\n')).toEqual(defaultPolicy)
  const rule = {
    quorum: 1,
    roles: ['owner', 'release-manager'],
    requesterMayApprove: false,
    commitAuthorMayApprove: false,
    expiresAfter: '72h',
  }
  expect(defaultPolicy.approvals).toEqual({
    'production-deploy': rule,
    'production-destroy': rule,
    restore: rule,
    rollback: rule,
    shell: rule,
    'secret-read': rule,
  })
  expect(defaultPolicy).toMatchObject({
    freeze: { timeZone: 'UTC', windows: [] },
    hosts: { production: null, staging: null, development: null },
    egress: { staging: 'none', development: 'none' },
    retention: { daily: 7, weekly: 4, monthly: 3 },
    shell: { production: { record: true } },
    breakGlass: { allowed: true, roles: ['owner'] },
    workflows: { refs: ['refs/heads/*'] },
    keepFailedPreviews: null,
  })
})

test('what was set is taken, and read again as it was kept', () => {
  const document = parsePolicy(`
approvals:
  production-deploy: { quorum: 2, roles: [owner], expiresAfter: 24h }
  shell: none
  secret-read: forbidden
freeze:
  timeZone: Europe/Berlin
  windows:
    - { name: year end, from: 12-20, to: 01-06 }
    - { name: weekend, days: [fri], from: "16:00", to: "08:00", actions: [rollback] }
hosts: { production: [prod-*] }
baseImages: ["registry.example/odoo:*"]
`)
  expect(document.approvals['production-deploy']).toMatchObject({ quorum: 2, roles: ['owner'] })
  expect(document.approvals).toMatchObject({ shell: 'none', 'secret-read': 'forbidden' })
  expect(document.approvals.restore).toEqual(defaultPolicy.approvals.restore)
  expect(document.freeze.windows[0]).toMatchObject({ actions: ['production-deploy', 'production-destroy'] })
  expect(document.hosts).toMatchObject({ production: ['prod-*'], staging: null })
  expect(policySchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
})

describe('a fault is named with its line, its key and what was probably meant', () => {
  it.each([
    ['aprovals:\n  shell: none\n', 'line 1, column 1: unknown key `aprovals`, did you mean `approvals`?'],
    ['approvals:\n  shel: none\n', 'line 2, column 3: unknown key `approvals.shel`, did you mean `shell`?'],
    [
      'approvals:\n  shell:\n    qorum: 2\n',
      'line 3, column 5: unknown key `approvals.shell.qorum`, did you mean `quorum`?',
    ],
    ['approvals: {shell: {quorum: 0}}\n', 'column 29: `approvals.shell.quorum`: '],
    ['approvals: {shell: maybe}\n', '`approvals.shell`: '],
    ['approvals: {shell: {requesterMayApprove: true}}\n', 'nobody approves what they asked for themselves'],
    ['approvals: {shell: {roles: [developer]}}\n', '`approvals.shell.roles.0`: '],
    ['freeze: {timeZone: Mars/Base}\n', '`freeze.timeZone`: a time zone such as Europe/Berlin'],
    ['freeze: {windows: [{name: x, from: 2026-02-30, to: 2026-03-01}]}\n', 'a date such as 2026-12-24'],
    ['freeze: {windows: [{name: x, from: 2026-12-30, to: 2026-12-01}]}\n', 'is before 2026-12-30'],
    ['freeze: {windows: [{name: x, from: 2026-12-30, to: 01-06}]}\n', 'of the same form as `from`'],
    ['freeze: {windows: [{name: x, days: [friday]}]}\n', '`freeze.windows.0.days.0`: '],
    ['freeze: {windows: [{name: x, days: [fri], frm: "18:00"}]}\n', 'did you mean `from`?'],
    // Days belong to times, not to dates.
    [
      'freeze: {windows: [{name: x, days: [fri], from: "2026-12-24", to: "2026-12-26"}]}\n',
      '`freeze.windows.0.from`: ',
    ],
    ['freeze: {windows: [{name: x, days: [friday], from: "18:00"}]}\n', '`freeze.windows.0.days.0`: '],
    ['retention: {daily: 7.5}\n', '`retention.daily`: '],
    ['keepFailedPreviews: 31d\n', '`keepFailedPreviews`: at most 30d'],
    ['keepFailedPreviews: off\n', '`keepFailedPreviews`: a duration such as'],
    ['keepFailedPreviews: 0d\n', '`keepFailedPreviews`: a duration such as'],
    ['a: [\n', 'line 2, column 1: '],
    ['hosts: {}\nhosts: {}\n', 'line 2, column 1: Map keys must be unique'],
    ['- a\n', 'line 1, column 1: '],
    ['hosts: !!js/function "x"\n', 'tag'],
    ['hosts: !!binary aGk=\n', 'tag'],
    [`# ${'x'.repeat(65_536)}\n`, 'larger than 64 KiB'],
  ])('case %#', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(message)
  })

  it('all of them at once', () => {
    const text = 'aprovals: {}\nhosts: {prod: [a]}\nretention: {daily: x}\nbreakGlass: {roles: []}\n'
    const lines = faultsOf(text)
    expect(lines.map((line) => /line (\d)/.exec(line)?.[1]).sort()).toEqual(['1', '2', '3', '4'])
  })
})

const faultsOf = (text: string): string[] => {
  try {
    parsePolicy(text)
  } catch (error) {
    return (error as Error).message.split('\n').slice(1)
  }
  return []
}

test('a bomb of aliases is refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`,
  )
  expect(() => parsePolicy(`a0: &a0 [x]\n${levels.join('\n')}\n`)).toThrow(/alias/)
})

test('any text is read or refused in our own words', () => {
  const piece = fc.constantFrom(
    ...[
      'approvals',
      'shell',
      'freeze',
      'windows',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
    ],
    ...['!!set', '"', '? ', '|', '%', '<<', 'none', '12-24', '__proto__', 'constructor'],
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(text, (given) => {
      try {
        expect(policySchema.safeParse(parsePolicy(given)).success).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(DomainError)
      }
    }),
    { numRuns: 500 },
  )
})

test('the published schema agrees', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(renderPolicyJsonSchema()))
  expect(validate({})).toBe(true)
  expect(validate(defaultPolicy)).toBe(true)
  expect(validate({ approvals: { shell: 'none', restore: { quorum: 2 } } })).toBe(true)
  expect(validate({ aprovals: {} })).toBe(false)
  expect(validate({ approvals: { shell: { requesterMayApprove: true } } })).toBe(false)
})

test('changes are one line for each key', () => {
  const after = parsePolicy('approvals: {shell: none, restore: {quorum: 2}}\nhosts: {production: [one]}\n')
  expect(changesOf(defaultPolicy, after)).toEqual(
    expect.arrayContaining([
      'approvals.restore.quorum: 1 → 2',
      'approvals.shell: (not there) → "none"',
      'hosts.production: null → ["one"]',
    ]),
  )
  expect(changesOf(after, after)).toEqual([])
})
