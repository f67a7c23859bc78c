import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { fromBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogsRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createSpool, type Spool } from './spool.ts'
import { openStateDatabase } from './state-database.ts'

let directory: string
let database: DatabaseSync
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-spool-'))
  database = openStateDatabase(join(directory, 'state.db'))
})
afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})
const reopen = (spool: Spool, limitBytes = 1e9) => {
  spool.close()
  database.close()
  database = openStateDatabase(join(directory, 'state.db'))
  return createSpool(database, { limitBytes })
}
const line = (text: string) => ({ unixMicros: 1n, source: 'odoo', text })

/** Everything unacknowledged: sequence → text, or the number of lines a gap stands for. */
function readAll(spool: Spool, streamId = 's'): Map<number, string | number> {
  const entries = new Map<number, string | number>()
  for (
    let batch = spool.findBatch(streamId, 0);
    batch;
    batch = spool.findBatch(streamId, batch.lastSequence)
  ) {
    const message = fromBinary(LogsRequestSchema, batch.encoded)
    expect(Number(message.firstSequence)).toBe(batch.firstSequence)
    message.entries.forEach((entry, index) => {
      entries.set(batch!.firstSequence + index, entry.gap > 0n ? Number(entry.gap) : entry.text)
    })
  }
  return entries
}

describe('the spool', () => {
  it('keeps lines in order across restarts, each under its sequence', () => {
    let spool = createSpool(database, { limitBytes: 1e9 })
    spool.append('s', line('a'))
    spool.append('s', line('b'))
    expect(spool.flush()).toBe(true)
    spool = reopen(spool)
    spool.append('s', line('c'))
    spool.flush()
    expect([...readAll(spool)]).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    spool.acknowledge('s', 2)
    expect([...readAll(reopen(spool)).keys()]).toEqual([3])
  })

  it('remembers with the lines how far their source was read', () => {
    let spool = createSpool(database, { limitBytes: 1e9 })
    spool.append('s', line('a'), { key: 'c1', timestamp: 't1' })
    spool.append('s', line('b'), { key: 'c1', timestamp: 't2' })
    spool.append('s', line('c'), { key: 'c1', timestamp: 't2' })
    expect(spool.position('s', 'c1')).toEqual({ timestamp: 't2', lines: 2 })
    spool = reopen(spool)
    expect(spool.position('s', 'c1')).toEqual({ timestamp: 't2', lines: 2 })
    spool.append('s', line('d'), { key: 'c1', timestamp: 't2' })
    expect(spool.position('s', 'c1')).toEqual({ timestamp: 't2', lines: 3 })
    spool.close()
  })

  it('says how many lines it dropped while over its limit, where they are missing', () => {
    let spool = createSpool(database, { limitBytes: 1_000 })
    spool.append('s', line('x'.repeat(600)))
    spool.flush()
    for (let i = 0; i < 5; i++) spool.append('s', line(`${i}`.repeat(200)))
    spool.flush()
    spool = reopen(spool, 1_000)
    spool.append('s', line('there is room for this one'))
    spool.flush()
    spool.acknowledge('s', 1)
    spool.append('s', line('after'))
    spool.flush()
    expect([...readAll(spool)]).toEqual([
      [2, 5],
      [3, 'there is room for this one'],
      [4, 'after'],
    ])
    spool.close()
  })

  it('drops a refused stream and what is still said on it', () => {
    const spool = createSpool(database, { limitBytes: 1e9 })
    spool.append('s', line('a'))
    spool.flush()
    spool.refuse('s')
    spool.append('s', line('b'))
    spool.flush()
    expect(readAll(spool).size).toBe(0)
    expect(spool.listStreams()).toEqual([])
    spool.close()
  })

  it('waits for a full disk and then says what it could not keep', () => {
    database.exec('pragma max_page_count = 60')
    const spool = createSpool(database, { limitBytes: 1e9 })
    let appended = 0
    while (spool.flush() && appended < 2_000) spool.append('s', line(`${appended++} ${'x'.repeat(1_000)}`))
    expect(spool.full).toBe(true)
    for (let i = 0; i < 3_000; i++) spool.append('s', line(`${appended++} ${'x'.repeat(1_000)}`))
    database.exec('pragma max_page_count = 100000')
    expect(spool.flush()).toBe(true)
    expect(spool.full).toBe(false)
    const entries = [...readAll(spool)]
    expect(entries.map(([sequence]) => sequence)).toEqual(entries.map((_, index) => index + 1))
    const kept = entries.filter(([, entry]) => typeof entry === 'string').length
    const gaps = entries.flatMap(([, entry]) => (typeof entry === 'number' ? [entry] : []))
    expect(gaps.length).toBeGreaterThan(0)
    expect(kept + gaps.reduce((sum, gap) => sum + gap, 0)).toBe(appended)
    spool.close()
  })

  it('accounts for every line, whatever the order of lines, acknowledgements and restarts', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), size: fc.nat(400) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('acknowledge' as const),
          part: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    )
    let round = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const streamId = `s${round++}`
        let spool = createSpool(database, { limitBytes: 2_000 })
        const durable = new Map<number, string | number>()
        let appended = 0
        const collect = () => {
          for (const [sequence, entry] of readAll(spool, streamId)) durable.set(sequence, entry)
        }
        for (const each of steps) {
          if (each.kind === 'append') spool.append(streamId, line(`${appended++}:${'x'.repeat(each.size)}`))
          else if (each.kind === 'flush') spool.flush()
          else if (each.kind === 'restart') spool = reopen(spool, 2_000)
          else {
            collect()
            spool.acknowledge(streamId, Math.floor(durable.size * each.part))
          }
        }
        // Room again: everything that is still owed comes out, gaps included.
        spool.flush()
        collect()
        spool.acknowledge(streamId, durable.size)
        spool.flush()
        collect()
        spool.close()
        const inOrder = [...durable].sort(([a], [b]) => a - b)
        expect(inOrder.map(([sequence]) => sequence)).toEqual(inOrder.map((_, index) => index + 1))
        let next = 0
        for (const [, entry] of inOrder) {
          if (typeof entry === 'number') next += entry
          else expect(Number(entry.split(':', 1)[0])).toBe(next++)
        }
        expect(next).toBe(appended)
      }),
      { numRuns: 300 },
    )
  })
})
