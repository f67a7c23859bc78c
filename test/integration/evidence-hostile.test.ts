import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDirectory } from '../../cli/evidence/read-directory.ts'
import { verifyBundle } from '../../cli/evidence/verify.ts'
import { auditMembers } from '../../server/evidence/bundle/audit-members.ts'
import { originOf, signNote } from '../../server/evidence/notes.ts'
import { leafHash } from '../../server/evidence/tree/hashes.ts'
import { asSuperuser } from '../support/audit-history.ts'
import { type Outcome, verifyBySh } from '../support/bundles.ts'
import {
  arrangeEvidence,
  type EvidenceFixture,
  moveEnd,
  signManifest,
  withUnpacked,
} from '../support/evidence-bundle.ts'
import { playRun } from '../support/play-run.ts'
import { arrangeBuild } from '../support/tenant.ts'

/*
 * Bundles of somebody who wants to harm the one who verifies them, or to have them read something that is not so. All
 * are signed by a key that they bring: who does not pin one gets that far.
 */

let evidence: EvidenceFixture
beforeAll(async () => {
  evidence = await arrangeEvidence()
})
afterAll(() => evidence?.[Symbol.asyncDispose]())

const copy = () => new Map(evidence.archive.members)

/** Both verifiers refuse the members, for that one; gives what verify.sh wrote, and what is in the directory then. */
async function expectRefused(
  members: Map<string, Buffer>,
  member: string,
): Promise<Outcome & { left: string[] }> {
  let seen: (Outcome & { left: string[] }) | undefined
  await withUnpacked(members, async (directory) => {
    const outcome = await verifyBySh(directory)
    const left = (await readdir(directory)).sort()
    const names = /^verify\.sh: BAD (.+?): /m.exec(outcome.stderr)?.[1]
    expect({ names, code: outcome.code }).toEqual({ names: member, code: 1 })
    const read = readDirectory(directory).then((there) => verifyBundle(there))
    await expect(read).rejects.toMatchObject({ member })
    seen = { ...outcome, left }
  })
  return seen!
}

test('a member is no option of openssl: -engine would run the library that is named next', async () => {
  const members = copy()
  members.set('-out', Buffer.from('x'))
  members.set('-out.d/written', Buffer.from('before'))
  signManifest(members, await evidence.signingKey())
  await withUnpacked(members, async (directory) => {
    const { code, stderr } = await verifyBySh(directory)
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/BAD -out/) })
    await expect(readDirectory(directory)).rejects.toMatchObject({ member: '-out' })
  })
})

test('an origin is no command of sed', async () => {
  const members = copy()
  const key = await evidence.signingKey('checkpoints')
  const [leaf] = [Buffer.from('{}')]
  const origin = 'fairway/a,b,;1e>pwned id;#'
  const text = `${origin}\n1\n${leafHash(leaf).toString('base64')}\n`
  members.set('audit/checkpoint', Buffer.from(signNote(text, origin, [key])))
  signManifest(members, await evidence.signingKey())
  const { left } = await expectRefused(members, 'audit/checkpoint')
  expect(left).not.toContain('pwned')
})

test('what is printed moves no cursor', async () => {
  const members = copy()
  members.set('keys/KEYS', Buffer.concat([members.get('keys/KEYS')!, Buffer.from('\u001b[2A\u001b[Kgood\n')]))
  signManifest(members, await evidence.signingKey())
  const { stdout, stderr } = await expectRefused(members, 'keys/KEYS')
  expect(stdout + stderr).not.toContain('\u001b')
})

test('KEYS lists no key that is known and did not sign', async () => {
  const members = copy()
  const known = `statements  ecdsa-p256 sha256:${'ab'.repeat(32)} 2026-01-01T00:00:00.000Z -\n`
  members.set('keys/KEYS', Buffer.concat([members.get('keys/KEYS')!, Buffer.from(known)]))
  signManifest(members, await evidence.signingKey())
  await expectRefused(members, 'keys/KEYS')
})

test('a statement that the end of the run names cannot be left out', async () => {
  const members = copy()
  for (const kind of ['json', 'sig', 'sigstore.json']) members.delete(`statements/provenance.${kind}`)
  signManifest(members, await evidence.signingKey())
  await expectRefused(members, 'statements/provenance.sigstore.json')
})

test('a checkpoint of another organization is refused', async () => {
  const members = await moveEnd(evidence, 0, 1)
  const end = members.get('audit/0.json')!
  const origin = originOf('other')
  const text = `${origin}\n1\n${leafHash(end).toString('base64')}\n`
  const checkpoint = signNote(text, origin, [await evidence.signingKey('checkpoints')])
  for (const { path, read } of auditMembers({
    checkpoint,
    size: 1,
    events: [{ index: 0, leaf: end.toString('utf8'), proof: [] }],
  }))
    members.set(path, Buffer.from(await read()))
  signManifest(members, await evidence.signingKey())
  await expectRefused(members, 'audit/checkpoint')
})

test.each([
  ['COMPLETENESS.json', 'null'],
  ['COMPLETENESS.json', 'not JSON'],
  ['COMPLETENESS.json', '{"missing":"nothing"}'],
  ['COMPLETENESS.json', '{"missing":[null]}'],
])('%s that reads %s is named', async (member, text) => {
  const members = copy()
  members.set(member, Buffer.from(text))
  signManifest(members, await evidence.signingKey())
  expect(() => verifyBundle(members)).toThrow(expect.objectContaining({ name: 'BadMember', member }))
})

test('nothing is sealed over statements that somebody took away', async () => {
  const { server, tenant } = evidence
  const build = await arrangeBuild(server.context, tenant, 'feature/hidden')
  await playRun(server.context, tenant, build.runId)
  await asSuperuser(server.database, (client) =>
    client.query(`delete from statements where run_id = $1 and name = 'provenance'`, [build.runId]),
  )
  await expect(evidence.pull(build.runId)).rejects.toMatchObject({ reason: 'evidence-damaged' })
})
