import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { LeavesLost } from '../../server/blobs/checkpoints.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { leafHash } from '../../server/evidence/tree/hashes.ts'
import { asSuperuser, rewriteHistory } from '../support/audit-history.ts'
import { arrangeLog, type TestLog, verifyBytes } from '../support/audit-log.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

/** Fault 41: whatever a superuser of the database does to the audit log, the verifier names the first bad index. */
let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

const size = 40
async function arrange(): Promise<TestLog> {
  const log = await arrangeLog(database)
  await log.grow(size)
  return log
}

const sql = (log: TestLog, ...statements: string[]) =>
  asSuperuser(database, async (client) => {
    for (const statement of statements)
      await client.query(statement.replaceAll('$org', `'${log.organizationId}'`))
  })
const eventAt = (index: number) =>
  `(select event_id from audit_leaves where organization_id = $org and index = ${index})`

test.each([1, 2, 3, 4, 5, 15, 16, 17, 64, 65])('a log of %i events verifies', async (count) => {
  const log = await arrangeLog(database)
  await log.grow(count)
  expect(await log.verify()).toMatchObject({ size: count, keptLeaves: count, faults: [] })
  await log.grow(3)
  expect(await log.verify()).toMatchObject({ size: count + 3, checkpoints: 2, faults: [] })
})

test('what blob storage lost stops no export', async () => {
  const log = await arrange()
  const lost = vi
    .spyOn(database.context.blobs.checkpoints, 'readLeaves')
    .mockRejectedValueOnce(new LeavesLost('the disk is gone'))
  try {
    expect(await log.verify()).toMatchObject({ size, keptLeaves: 0, checkpoints: 1, faults: [] })
  } finally {
    lost.mockRestore()
  }
})

describe('a superuser who', () => {
  test.each([
    ['the actor', `actor = 'member:eve'`],
    ['the time, by a microsecond', `created_at = created_at + interval '1 microsecond'`],
    ['a detail', `details = jsonb_set(details, '{nested,list,0}', '0')`],
    ['the project', `project_id = gen_random_uuid()`],
    ['the request', `request_id = 'other'`],
    ['a number into one that no program holds', `details = '{"n": 1e400}'`],
    ['details into ones of great depth', `details = (repeat('[', 5000) || repeat(']', 5000))::jsonb`],
  ])('edits %s of an event', async (_, change) => {
    const log = await arrange()
    await sql(log, `update audit_events set ${change} where id = ${eventAt(17)}`)
    expect((await log.verify()).faults).toMatchObject([{ index: 17, kind: 'edited' }])
  })

  test('adds an event that cannot be written as JSON does not stop the log', async () => {
    const log = await arrange()
    await sql(
      log,
      `insert into audit_events (organization_id, actor, action, subject_kind, subject_id, details)
       values ($org, 'member:eve', 'test.note', 'test', 'x', '{"n": 1e400}')`,
    )
    await log.grow(1)
    expect(await log.verify()).toMatchObject({ size: size + 2, faults: [] })
  })

  test('edits two events', async () => {
    const log = await arrange()
    await sql(log, `update audit_events set actor = 'member:eve' where id in (${eventAt(31)}, ${eventAt(9)})`)
    expect((await log.verify()).faults.map(({ index }) => index)).toEqual([9, 31])
  })

  test('edits an event and its leaf', async () => {
    const log = await arrange()
    await sql(
      log,
      `update audit_events set actor = 'member:eve' where id = ${eventAt(17)}`,
      `update audit_leaves set leaf_hash = sha256('other') where organization_id = $org and index = 17`,
    )
    expect((await log.verify()).faults[0]).toMatchObject({ index: 17 })
  })

  test('deletes an event', async () => {
    const log = await arrange()
    await sql(log, `delete from audit_events where id = ${eventAt(17)}`)
    expect((await log.verify()).faults).toMatchObject([{ index: 17, kind: 'deleted' }])
  })

  test('deletes an event and its leaf', async () => {
    const log = await arrange()
    await sql(
      log,
      `delete from audit_events where id = ${eventAt(17)}`,
      'delete from audit_leaves where organization_id = $org and index = 17',
    )
    expect((await log.verify()).faults[0]).toMatchObject({ index: 17, kind: 'deleted' })
  })

  test('lets two events change places', async () => {
    const log = await arrange()
    await sql(
      log,
      `create temp table swap on commit drop as
         select index, event_id from audit_leaves where organization_id = $org and index in (12, 30)`,
      `update audit_leaves set event_id = -1 where organization_id = $org and index = 12`,
      `update audit_leaves set event_id = (select event_id from swap where index = 12)
         where organization_id = $org and index = 30`,
      `update audit_leaves set event_id = (select event_id from swap where index = 30)
         where organization_id = $org and index = 12`,
    )
    expect((await log.verify()).faults.slice(0, 2)).toMatchObject([
      { index: 12, kind: 'reordered' },
      { index: 30, kind: 'reordered' },
    ])
  })

  test('cuts the tail', async () => {
    const log = await arrange()
    await sql(
      log,
      `delete from audit_events where id >= ${eventAt(33)}`,
      'delete from audit_leaves where organization_id = $org and index >= 33',
    )
    expect((await log.verify()).faults[0]).toMatchObject({ index: 33, kind: 'cut' })
    // And the server signs nothing any more that lacks what it signed.
    await expect(makeCheckpoint(database.context, log.organizationId)).rejects.toMatchObject({
      reason: 'audit-tree-shrunk',
    })
  })

  test('takes everything', async () => {
    const log = await arrange()
    for (const table of ['events', 'leaves', 'nodes', 'checkpoints']) {
      await sql(log, `delete from audit_${table} where organization_id = $org`)
    }
    expect((await log.verify()).faults[0]).toMatchObject({ index: 0, kind: 'cut' })
  })
})

describe('a superuser who rewrites the whole log, leaves, nodes and checkpoints in accord', () => {
  test.each<[string, Parameters<typeof rewriteHistory>[2], number, string]>([
    [
      'edits',
      (all) => all.map((event, at) => (at === 21 ? { ...event, actor: 'member:eve' } : event)),
      21,
      'forked',
    ],
    ['deletes', (all) => all.filter((_, at) => at !== 21), 21, 'deleted'],
    [
      'inserts',
      (all) => [...all.slice(0, 21), { ...all[0]!, id: 9_000_000 }, ...all.slice(21)],
      21,
      'forked',
    ],
    ['reorders', (all) => [...all.slice(0, 21), all[22]!, all[21]!, ...all.slice(23)], 21, 'reordered'],
    ['cuts the tail', (all) => all.slice(0, 21), 21, 'cut'],
  ])('%s', async (_, change, index, kind) => {
    const log = await arrange()
    await rewriteHistory(database, log.organizationId, change)
    expect((await log.verify()).faults[0]).toMatchObject({ index, kind })
    // Time goes on, and the server signs what it finds; blob storage does not take it.
    await log.grow(30)
    expect((await log.verify()).faults[0]).toMatchObject({ index })
    const refused = await query<{ refusal: string }>(
      database.ownerUrl,
      `select refusal from audit_witnesses where organization_id = $1 and name = 'blobs'`,
      [log.organizationId],
    )
    expect(refused[0]?.refusal).toMatch(/history was rewritten|its tail was cut/)
  })

  test('also takes what blob storage kept: a checkpoint kept elsewhere shows it', async () => {
    const log = await arrangeLog(database)
    const first = await log.grow(16)
    const second = await log.grow(16)
    await rewriteHistory(database, log.organizationId, (all) =>
      all.map((event, at) => (at === 21 ? { ...event, actor: 'member:eve' } : event)),
    )
    const { dataDir } = database.context.config
    await rm(join(dataDir, 'blobs', 'checkpoints', log.organizationId), { recursive: true })
    await log.grow(3)
    expect((await log.verify()).faults).toEqual([])
    const own = [first, second].map(({ note, size }) => ({ name: `note-${size}`, note }))
    const { faults } = await log.verify(own)
    expect(faults).toMatchObject([{ index: 16, kind: 'forked' }])
    expect(faults[0]?.message).toContain('from 16 to 31')
  })

  test('signs with a key of his own: the file’s key is another one', async () => {
    const log = await arrange()
    const theirs = await arrange()
    const [, key] = (await theirs.export())
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line || '{}').key)
    const honest = await log.export()
    const own = JSON.parse(honest.toString().split('\n')[1]!).key as string
    expect((await verifyBytes(reseal(honest.toString().replace(own, key as string)))).faults).not.toEqual([])
  })
})

/** With the last line of whoever changes a file and knows how it is made. */
function reseal(text: string): string {
  const lines = text.trimEnd().split('\n').slice(0, -1)
  const body = `${lines.join('\n')}\n`
  return `${body}${JSON.stringify({ end: { sha256: createHash('sha256').update(body).digest('hex') } })}\n`
}

describe('an export', () => {
  let lines: string[]
  let bytes: Buffer
  beforeAll(async () => {
    const log = await arrangeLog(database)
    await log.grow(9)
    await log.grow(8)
    bytes = await log.export()
    lines = bytes.toString().trimEnd().split('\n')
    expect((await verifyBytes(bytes)).faults).toEqual([])
  })
  const isEvent = (line: string) => line.startsWith('{"event":')
  const eventLine = (index: number) => lines.findIndex(isEvent) + index

  test('has no byte that can be changed', async () => {
    const change = fc.record({ at: fc.nat(bytes.length - 1), by: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, by }) => {
        const changed = Buffer.from(bytes)
        changed[at] = changed[at]! ^ by
        expect((await verifyBytes(changed)).faults).not.toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('cannot end early', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (end) => {
        expect((await verifyBytes(bytes.subarray(0, end))).faults).not.toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  /** Whoever edits the file knows its format: leaf hashes and the last line are made good. */
  const index = fc.nat(16)
  const mutations = {
    edit: index.map((at) => ({ at, mutate: (text: string[]) => edit(text, at) })),
    delete: index.map((at) => ({ at, mutate: (text: string[]) => void text.splice(eventLine(at), 1) })),
    double: index.map((at) => ({
      at,
      mutate: (text: string[]) => void text.splice(eventLine(at), 0, text[eventLine(at)]!),
    })),
    swap: fc
      .tuple(index, index)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => ({
        at: Math.min(a, b),
        mutate(text: string[]) {
          const [one, other] = [text[eventLine(a)]!, text[eventLine(b)]!]
          text[eventLine(a)] = withIndex(other, a)
          text[eventLine(b)] = withIndex(one, b)
        },
      })),
    cut: index.map((at) => ({
      at,
      mutate(text: string[]) {
        text[0] = text[0]!.replace('"size":17', `"size":${at}`)
        text.splice(eventLine(at), 17 - at)
      },
    })),
  }

  test.each(Object.entries(mutations))('%s: the first bad index is named', async (_, mutation) => {
    await fc.assert(
      fc.asyncProperty(mutation, async ({ at, mutate }) => {
        const text = [...lines]
        mutate(text)
        const { faults } = await verifyBytes(reseal(`${text.join('\n')}\n`))
        expect(faults[0]?.index).toBe(at)
      }),
      { numRuns: 40 },
    )
  })

  const withIndex = (line: string, at: number) => line.replace(/,"index":\d+,/, `,"index":${at},`)
  function edit(text: string[], at: number): void {
    const line = text[eventLine(at)]!
    const { event } = JSON.parse(line) as { event: Record<string, unknown> }
    const leaf = line
      .slice('{"event":'.length, line.lastIndexOf(',"index":'))
      .replace('"test.note"', '"test.other"')
    expect(event.action).toBe('test.note')
    text[eventLine(at)] =
      `{"event":${leaf},"index":${at},"leafHash":"${leafHash(Buffer.from(leaf)).toString('hex')}"}`
  }
})
