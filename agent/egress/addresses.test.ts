import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AddressKind, createAddressRules } from './addresses.ts'
import { matches, normalizeHost, parseAllowEntry } from './allow-list.ts'
import { parseLocalRoutes, readOwnAddresses } from './own-addresses.ts'

const ownAddresses = () => ({ addresses: ['198.51.100.7', 'fe80::1'], containerNetworks: ['172.17.0.1/16'] })
const rulesWith = (...operator: string[]) =>
  createAddressRules({
    operator: operator.map(parseAllowEntry),
    containerNetworks: ['10.213.0.0/16'],
    ownAddresses,
  })

describe('what an address is', () => {
  test.each<[AddressKind, string[]]>([
    [
      'public',
      [
        '1.1.1.1',
        '203.0.113.9',
        '192.0.2.1',
        '2606:4700::1111',
        '172.32.0.1',
        '100.128.0.1',
        '::ffff:1.1.1.1',
      ],
    ],
    [
      'private',
      ['10.0.0.1', '172.16.9.9', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.18.0.1', 'fd12::1'],
    ],
    [
      'private',
      ['::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::', '::ffff:0:10.0.0.1', '::10.0.0.1', 'fec0::1'],
    ],
    [
      'host',
      ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::1'],
    ],
    ['host', ['198.51.100.7', '::ffff:198.51.100.7']],
    ['container', ['10.213.4.4', '172.17.0.2', '::ffff:10.213.0.1']],
    [
      'link',
      ['169.254.169.254', 'fe80::2', 'fd00:ec2::254', '168.63.129.16', '100.100.100.200', '::ffff:a9fe:a9fe'],
    ],
    [
      'impossible',
      ['0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', '240.0.0.1', '::2'],
    ],
  ])('%s: %j', (kind, addresses) => {
    for (const address of addresses) expect([address, rulesWith().kindOf(address)]).toEqual([address, kind])
  })

  test('no way of writing an IPv4 address makes it another kind', () => {
    const rules = rulesWith()
    const octet = fc.nat({ max: 255 })
    const forms = ([a, b, c, d]: number[]) => {
      const dotted = `${a}.${b}.${c}.${d}`
      const hex = [a! * 256 + b!, c! * 256 + d!].map((part) => part.toString(16)).join(':')
      return [
        `::ffff:${dotted}`,
        `::FFFF:${hex}`,
        `0:0:0:0:0:ffff:${hex}`,
        `64:ff9b::${dotted}`,
        `2002:${hex}::1`,
      ]
    }
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
        const kind = rules.kindOf(octets.join('.'))
        for (const form of forms(octets)) expect([form, rules.kindOf(form)]).toEqual([form, kind])
      }),
    )
  })
})

describe('who may open an address', () => {
  const target = (address: string, port = 443) => ({ host: 'git.intern', port, address })
  const policy = (...entries: string[]) => entries.map(parseAllowEntry)

  test('a policy opens private addresses, and nothing of the host', () => {
    const rules = rulesWith()
    expect(rules.refusalOf(target('10.1.1.1'), policy())).toBeDefined()
    expect(rules.refusalOf(target('10.1.1.1'), policy('git.intern'))).toBeUndefined()
    for (const closed of ['127.0.0.1', '169.254.169.254', '10.213.0.5', '172.17.0.2', '198.51.100.7', '::1'])
      expect(rules.refusalOf(target(closed), policy('git.intern', closed, '0.0.0.0/0', '::/0'))).toBeDefined()
  })

  test('the host itself opens everything that one machine can have', () => {
    for (const opened of ['127.0.0.1', '169.254.169.254', '10.213.0.5', '10.9.9.9', '::1'])
      expect(rulesWith(opened).refusalOf(target(opened), [])).toBeUndefined()
    for (const never of ['0.0.0.0', '255.255.255.255', '::', 'ff02::1'])
      expect(rulesWith(never, '0.0.0.0/0', '::/0').refusalOf(target(never), [])).toBeDefined()
  })

  test('an entry with a port opens that one alone', () => {
    const rules = rulesWith('127.0.0.1:3000')
    expect(rules.refusalOf(target('127.0.0.1', 3000), [])).toBeUndefined()
    expect(rules.refusalOf(target('127.0.0.1', 3001), [])).toBeDefined()
    expect(rules.namesPort(target('127.0.0.1', 3000), [])).toBe(true)
    expect(rulesWith('127.0.0.1').namesPort(target('127.0.0.1', 3000), [])).toBe(false)
  })
})

describe('an entry of an allow-list', () => {
  const named = (entry: string, host: string, address: string, port = 443) =>
    matches(parseAllowEntry(entry), { host, address, port })

  test.each([
    ['git.intern', 'git.intern', '10.0.0.1', 443, true],
    ['GIT.intern.', 'git.intern', '10.0.0.1', 443, true],
    ['git.intern', 'x.git.intern', '10.0.0.1', 443, false],
    ['*.intern', 'git.intern', '10.0.0.1', 443, true],
    ['*.intern', 'a.b.intern', '10.0.0.1', 443, true],
    ['*.intern', 'intern', '10.0.0.1', 443, false],
    ['*.intern', 'evilintern', '10.0.0.1', 443, false],
    ['git.intern:8443', 'git.intern', '10.0.0.1', 8443, true],
    ['git.intern:8443', 'git.intern', '10.0.0.1', 443, false],
    ['10.0.0.0/8', 'any.example', '10.255.0.1', 443, true],
    ['10.0.0.0/8', 'any.example', '::ffff:10.255.0.1', 443, true],
    ['10.0.0.0/8', 'any.example', '11.0.0.1', 443, false],
    ['10.0.0.0/8', 'any.example', 'fd00::a', 443, false],
    ['::/0', 'any.example', '10.0.0.1', 443, false],
    ['10.0.0.1:80', '10.0.0.1', '10.0.0.1', 80, true],
    ['10.0.0.1:80', '10.0.0.1', '10.0.0.1', 81, false],
    ['fd00::1', 'x', 'fd00:0:0::1', 443, true],
    ['[fd00::1]:8080', 'x', 'fd00::1', 8080, true],
    ['[fd00::1]:8080', 'x', 'fd00::1', 8081, false],
  ])('%s names %s (%s) at port %d: %s', (entry, host, address, port, expected) => {
    expect(named(entry, host, address, port)).toBe(expected)
  })

  test.each([
    ['', 'is not understood'],
    ['http://git.intern', 'is no range'],
    ['git.intern/x', 'is no range'],
    ['10.0.0.0/33', 'is no range'],
    ['::ffff:10.0.0.0/104', 'written as IPv6'],
    ['git.intern:0', 'is not understood'],
    ['git.intern:99999', 'is not understood'],
    ['git.*', 'is no name'],
    ['*', 'is no name'],
    ['*.10.0.0.1', 'before an address'],
    ['user@git.intern', 'is no name'],
    ['0x7f.1', 'is no name'],
    ['127.1', 'is no name'],
    ['fe80::1%eth0', 'is not understood'],
    ['git intern', 'is no name'],
  ])('%j is refused: %s', (entry, why) => {
    expect(() => parseAllowEntry(entry)).toThrow(why)
    expect(() => parseAllowEntry(entry)).toThrow('an entry is a host, host:port')
  })
})

test('a host is a name or a plain address, however it is written', () => {
  for (const [text, host] of [
    ['Git.Example.', 'git.example'],
    ['[FD00::1]', 'fd00::1'],
    ['10.0.0.1', '10.0.0.1'],
  ] as const)
    expect(normalizeHost(text)).toBe(host)
  const refused = [
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '127.0.0.1.',
    '1.2.3.4.5',
    '[fe80::1%25lo]',
  ]
  for (const text of [
    ...refused,
    '[::1',
    'a..b',
    'a@b',
    'a b',
    '',
    '.',
    '-x',
    'gіt.example',
    'a'.repeat(256),
  ])
    expect([text, normalizeHost(text)]).toEqual([text, undefined])
})

test('any text is an entry or an error that says so, and any host is plain', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a1.:[]*/%@') })), (text) => {
      try {
        parseAllowEntry(text)
      } catch (error) {
        expect((error as Error).message).toContain('an entry is a host')
      }
      expect(normalizeHost(text) ?? '').toMatch(/^[a-z0-9._:-]*$/)
    }),
  )
})

test("the host's own addresses are read, those of interfaces that are down included", () => {
  expect(readOwnAddresses().addresses).toContain('127.0.0.1')
  const table =
    '           |-- 172.17.0.0\n              /16 link UNICAST\n           |-- 172.17.0.1\n              /32 host LOCAL\n'
  expect(parseLocalRoutes(table)).toEqual(['172.17.0.1'])
})
