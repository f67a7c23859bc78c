import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BadMember } from '../../cli/evidence/bad-member.ts'
import { readDirectory } from '../../cli/evidence/read-directory.ts'
import { verifyBundle } from '../../cli/evidence/verify.ts'
import type { SigningKey } from '../../server/evidence/keys.ts'
import { signClaim } from '../../server/evidence/statements/sign.ts'
import { verifyBySh, withCopy } from '../support/bundles.ts'
import { runCli } from '../support/cli.ts'
import {
  arrangeEvidence,
  type EvidenceFixture,
  signManifest,
  withUnpacked,
} from '../support/evidence-bundle.ts'

let evidence: EvidenceFixture
beforeAll(async () => {
  evidence = await arrangeEvidence()
})
afterAll(() => evidence?.[Symbol.asyncDispose]())

/** Which member `fairway evidence verify` finds bad. */
async function badMember(directory: string): Promise<string> {
  try {
    verifyBundle(await readDirectory(directory))
    return 'none'
  } catch (error) {
    if (error instanceof BadMember) return error.member
    throw error
  }
}

/** Which one verify.sh does. */
async function badBySh(directory: string): Promise<string> {
  const { code, stderr, stdout } = await verifyBySh(directory)
  if (code === 0) return 'none'
  expect(stdout).not.toContain('The bundle holds')
  return /^verify\.sh: BAD (.+?): /m.exec(stderr)?.[1] ?? `no member, but: ${stderr}`
}

/** Of two files that belong together both are named: the one that does not hold, and its signature. */
const namedAs = (path: string) => (path === 'MANIFEST.sig' ? 'MANIFEST' : path)

async function expectBad(directory: string, member: string | RegExp): Promise<void> {
  const found = { sh: await badBySh(directory), fairway: await badMember(directory) }
  if (typeof member === 'string') expect(found).toEqual({ sh: member, fairway: member })
  else {
    expect(found.sh).toMatch(member)
    expect(found.fairway).toMatch(member)
  }
}

describe('any byte changed', () => {
  async function flip(directory: string, path: string, place: number, bits: number): Promise<void> {
    const file = join(directory, path)
    const whole = await readFile(file)
    const changed = Buffer.from(whole)
    const at = Math.min(Math.floor(place * whole.length), whole.length - 1)
    changed[at] = (whole[at] ?? 0) ^ bits
    await writeFile(file, changed)
    try {
      await expectBad(directory, namedAs(path))
    } finally {
      await writeFile(file, whole)
    }
  }

  test('fails, and the member is named: the first and the last byte of each', async () => {
    for (const path of evidence.archive.members.keys()) {
      for (const place of [0, 1]) await flip(evidence.directory, path, place, 1)
    }
    await expectBad(evidence.directory, 'none')
  }, 300_000)

  test('fails, and the member is named: hundreds of bytes anywhere', async () => {
    const paths = [...evidence.archive.members.keys()]
    const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
    const bits = fc.integer({ min: 1, max: 255 })
    const property = fc.asyncProperty(fc.constantFrom(...paths), place, bits, (path, at, mask) =>
      flip(evidence.directory, path, at, mask),
    )
    await fc.assert(property, { numRuns: 200, endOnFailure: true })
  }, 600_000)
})

describe('members that do not belong', () => {
  const first = 'logs/01-resolve.txt'
  test.each<[string, string | RegExp, (directory: string) => Promise<unknown>]>([
    ['one more', 'logs/99-extra.txt', (at) => writeFile(join(at, 'logs/99-extra.txt'), 'x')],
    [
      'one more where none is',
      'extra/x',
      (at) => mkdir(join(at, 'extra')).then(() => writeFile(join(at, 'extra/x'), '')),
    ],
    ['a hidden one', '.hidden', (at) => writeFile(join(at, '.hidden'), '')],
    ['one less', first, (at) => unlink(join(at, first))],
    ['no MANIFEST', 'MANIFEST', (at) => unlink(join(at, 'MANIFEST'))],
    ['no signature', 'MANIFEST.sig', (at) => unlink(join(at, 'MANIFEST.sig'))],
    ['no audit', /^audit\//, (at) => rm(join(at, 'audit'), { recursive: true })],
    [
      'a link to the same bytes',
      first,
      async (at) => {
        await rename(join(at, first), `${at}.aside`)
        await symlink(`${at}.aside`, join(at, first))
      },
    ],
    [
      'a link to a directory',
      'logs',
      async (at) => {
        await rename(join(at, 'logs'), `${at}.aside`)
        await symlink(`${at}.aside`, join(at, 'logs'))
      },
    ],
    ['a pipe', 'logs/pipe', async (at) => execFileSync('mkfifo', [join(at, 'logs/pipe')])],
    ['a name with a newline', /^logs\/a/, (at) => writeFile(join(at, 'logs/a\nb'), '')],
    ['a name with a space', 'logs/a b', (at) => writeFile(join(at, 'logs/a b'), '')],
    ['a name that is an option', '-rf', (at) => writeFile(join(at, '-rf'), '')],
    [
      'two that changed places',
      /^logs\/0[12]-/,
      async (at) => {
        const [a, b] = [join(at, 'logs/01-resolve.txt'), join(at, 'logs/02-image.txt')]
        await rename(a, `${a}.x`)
        await rename(b, a)
        await rename(`${a}.x`, b)
      },
    ],
  ])('%s', async (_, member, tamper) => {
    await withCopy(evidence.directory, async (copy) => {
      await tamper(copy)
      await expectBad(copy, member)
      await rm(`${copy}.aside`, { recursive: true, force: true })
    })
  })
})

describe('what a server with evil intent signs, and does not fit together', () => {
  type Tamper = (members: Map<string, Buffer>, key: SigningKey) => Promise<unknown> | unknown
  const edit =
    (path: string, from: string | RegExp, to: string): Tamper =>
    (members) => {
      const before = members.get(path)?.toString('utf8') ?? ''
      expect(before).toMatch(from)
      members.set(path, Buffer.from(before.replace(from, to)))
    }
  const copy =
    (from: string, to: string): Tamper =>
    (members) =>
      members.set(to, members.get(from) ?? Buffer.of())
  const event = () =>
    [...evidence.archive.members.keys()].find((path) => /^audit\/\d+\.json$/.test(path)) ?? ''
  const approval = () =>
    [...evidence.archive.members.keys()].find((path) => path.startsWith('approvals/')) ?? ''

  /** Signs another statement in place of one that the run's end named. */
  const resign =
    (name: string, subject: { name: string; sha256: string }): Tamper =>
    async (members, key) => {
      const claim = {
        name,
        predicateType: `https://fairway.dev/predicates/${name}/v1`,
        subjects: [subject] as const,
        predicate: {},
      }
      const bundle = await signClaim(claim, key)
      const { dsseEnvelope } = JSON.parse(bundle.toString()) as {
        dsseEnvelope: { payload: string; signatures: [{ sig: string }] }
      }
      members.set(`statements/${name}.sigstore.json`, bundle)
      members.set(`statements/${name}.json`, Buffer.from(dsseEnvelope.payload, 'base64'))
      members.set(`statements/${name}.sig`, Buffer.from(dsseEnvelope.signatures[0].sig, 'base64'))
    }

  test.each<[string, (() => string) | string | RegExp, Tamper]>([
    [
      'another record of the run',
      'run/manifest.json',
      edit('run/manifest.json', /"result": "\w+"/, '"result": "gold"'),
    ],
    ['another approval', approval, (members) => members.set(approval(), Buffer.from('{}'))],
    ['no approval', approval, (members) => members.delete(approval())],
    [
      'an artifact of another run',
      'artifacts/02-lock.json',
      (members) => members.set('artifacts/02-lock.json', Buffer.from('{}')),
    ],
    [
      'another payload beside the bundle',
      /^statements\/deploy\./,
      edit('statements/deploy.json', '"restored":false', '"restored":true '),
    ],
    [
      'another signature beside the bundle',
      /^statements\/deploy\./,
      copy('statements/run.sig', 'statements/deploy.sig'),
    ],
    [
      'another payload in the bundle',
      /^statements\/deploy\./,
      copy('statements/run.sigstore.json', 'statements/deploy.sigstore.json'),
    ],
    [
      'a bundle of an unknown key',
      'statements/deploy.sigstore.json',
      edit('statements/deploy.sigstore.json', /"hint":"../, '"hint":"00'),
    ],
    [
      'a statement about other bytes',
      'run/manifest.json',
      resign('deploy', { name: 'run/manifest.json', sha256: 'a'.repeat(64) }),
    ],
    [
      'a statement that the end of the run did not name',
      'statements/deploy.sigstore.json',
      resign('deploy', { name: 'image', sha256: 'a'.repeat(64) }),
    ],
    [
      'a statement of a key that came later',
      'statements/approval.sigstore.json',
      edit('keys/KEYS', /(statements .* )\d{4}-/, '$12999-'),
    ],
    [
      'a statement of a key that was retired',
      'statements/approval.sigstore.json',
      edit('keys/KEYS', /(statements .* )-\n/, '$12001-02-03T04:05:06.789Z\n'),
    ],
    [
      'an edited event',
      event,
      (members) => edit(event(), 'member:ana', 'member:eve')(members, undefined as never),
    ],
    [
      'a checkpoint over another tree',
      'audit/checkpoint',
      edit('audit/checkpoint', /^(.*\n)(\d+)\n/, '$1$20\n'),
    ],
    ['a checkpoint without signature', 'audit/checkpoint', edit('audit/checkpoint', /— [\s\S]*/, '')],
    [
      'an event at another place',
      () => 'audit/0.json',
      (members) => {
        const from = event().replace('.json', '')
        for (const end of ['.json', '.tlog-proof']) {
          members.set(`audit/0${end}`, members.get(`${from}${end}`) ?? Buffer.of())
          members.delete(`${from}${end}`)
        }
        edit('audit/0.tlog-proof', /^index \d+$/m, 'index 0')(members, undefined as never)
      },
    ],
  ])('%s', async (_, member, tamper) => {
    const members = new Map(evidence.archive.members)
    const key = await evidence.signingKey()
    await tamper(members, key)
    signManifest(members, key)
    await withUnpacked(members, (directory) =>
      expectBad(directory, typeof member === 'function' ? member() : member),
    )
  })

  test.each([
    ['a path that leads out', '../x'],
    ['an absolute path', '/etc/passwd'],
    ['a path twice', 'COMPLETENESS.json'],
    ['itself', 'MANIFEST'],
    ['no path', ''],
  ])('a MANIFEST that names %s', async (_, path) => {
    const members = new Map(evidence.archive.members)
    const key = await evidence.signingKey()
    const line = `${'a'.repeat(64)}  ${path}\n`
    const manifest = Buffer.concat([Buffer.from(line), members.get('MANIFEST') ?? Buffer.of()])
    members.set('MANIFEST', manifest)
    members.set('MANIFEST.sig', key.sign(manifest))
    await withUnpacked(members, (directory) => expectBad(directory, 'MANIFEST'))
  })
})

test('the command exits with 1 and names the member', async () => {
  await withCopy(evidence.directory, async (copy) => {
    await writeFile(join(copy, 'logs/01-resolve.txt'), 'nothing happened')
    expect(await runCli(['evidence', 'verify', copy], { XDG_CONFIG_HOME: dirname(copy) })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'fairway: BAD logs/01-resolve.txt: its bytes are not those that were signed for\n',
    })
  })
})
