import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { signCheckpoint, verifierKeyOf } from '../../server/evidence/notes.ts'
import { verifyAuditLog } from './audit-log.ts'
import { hashLeaf } from './merkle.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-export-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** What the verifier says of an export of these lines, with the last one put behind them. */
async function verify(lines: readonly unknown[], pinned: readonly string[] = []) {
  const text = lines.map((line) => `${canonicalize(line)}\n`).join('')
  const end = { end: { sha256: createHash('sha256').update(text).digest('hex') } }
  const path = join(directory, 'audit.jsonl')
  await writeFile(path, `${text}${canonicalize(end)}\n`)
  return await verifyAuditLog(path, { pinned })
}

const head = (size: number) => ({
  fairway: 'audit',
  version: 1,
  organization: 'acme',
  origin: 'fairway/acme',
  size,
})
const leafHash = (event: unknown) => hashLeaf(canonicalize(event)!).toString('hex')
const eventAt = (index: number, written: unknown = { organization: 'acme', id: index }) => ({
  event: { organization: 'acme', id: index },
  index,
  leafHash: leafHash(written),
})
const many = 50_000
const indexes = Array.from({ length: many }, (_, index) => index)

it('takes no longer where somebody edited every event', async () => {
  const { faults } = await verify([head(many), ...indexes.map((index) => eventAt(index, { was: index }))])
  expect(faults[0]).toMatchObject({ index: 0, kind: 'edited' })
}, 60_000)

it('takes no longer where the events are upside down', async () => {
  const { faults } = await verify([head(many), ...indexes.toReversed().map((index) => eventAt(index))])
  expect(faults[0]).toMatchObject({ index: 0, kind: 'reordered' })
}, 60_000)

it('keeps no places for what a file only says that it holds', async () => {
  const last = Number.MAX_SAFE_INTEGER - 1
  const { faults } = await verify([head(last + 1), eventAt(0), eventAt(last)])
  expect(faults[0]).toMatchObject({ index: 1, kind: 'deleted' })
  expect(faults.at(-1)?.message).toMatch(/more than \d+ events are missing/)
}, 60_000)

it('takes more checkpoints than a call takes arguments', async () => {
  const { privateKey, publicKey: key } = generateKeyPairSync('ed25519')
  const root = hashLeaf(canonicalize(eventAt(0).event)!)
  const signer = { key, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) }
  const note = signCheckpoint({ origin: 'fairway/acme', size: 1, root }, [signer])
  const line = { checkpoint: { note, size: 1 }, from: 'database' }
  const keyLine = { key: verifierKeyOf('fairway/acme', key) }
  expect(
    await verify([head(1), keyLine, eventAt(0), ...Array.from({ length: 200_000 }, () => line)]),
  ).toMatchObject({ faults: [], size: 1 })
}, 30_000)

it('names the first bad event though a later line is damaged', async () => {
  const { faults } = await verify([head(3), eventAt(0, { was: 0 }), eventAt(1), { nonsense: true }])
  expect(faults[0]).toMatchObject({ index: 0, kind: 'edited' })
})

it.each([
  ['nothing', 'null'],
  ['a list', '[]'],
  ['a number beyond all', '{"event":{"n":1e999},"index":1,"leafHash":"' + '0'.repeat(64) + '"}'],
  ['a number beyond all in a key', '{"key":"x","n":1e999}'],
  [
    'a depth beyond any stack',
    `{"event":{"n":${'['.repeat(100_000)}${']'.repeat(100_000)}},"index":1,"leafHash":"${'0'.repeat(64)}"}`,
  ],
])('says where a line holds %s', async (_, line) => {
  const path = join(directory, 'audit.jsonl')
  await writeFile(path, `${[head(2), eventAt(0)].map((it) => canonicalize(it)).join('\n')}\n${line}\n`)
  const { faults } = await verifyAuditLog(path, { pinned: [] })
  expect(faults).toContainEqual(
    expect.objectContaining({ kind: 'damaged', message: expect.stringContaining('line 3 ') }),
  )
})

it('does not take an empty log for one that the given key signed', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const key = verifierKeyOf('fairway/acme', publicKey)
  expect((await verify([head(0)], [key])).faults).toMatchObject([{ kind: 'unsigned' }])
})
