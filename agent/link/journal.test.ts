import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OfferSchema, Outcome, TaskResultSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createJournal, type Journal } from './journal.ts'
import { openStateDatabase } from './state-database.ts'

let directory: string
let reopen: () => Journal
let close: () => void

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-journal-'))
  let database: ReturnType<typeof openStateDatabase> | undefined
  close = () => {
    database?.close()
    database = undefined
  }
  reopen = () => {
    close()
    database = openStateDatabase(join(directory, 'state.db'))
    return createJournal(database)
  }
})
afterEach(() => {
  close()
  rmSync(directory, { recursive: true })
})

const offer = (epoch = 1, runId = 'run') => create(OfferSchema, { task: { taskId: 't', epoch }, runId })
const result = (epoch = 1) =>
  create(TaskResultSchema, { task: { taskId: 't', epoch }, outcome: Outcome.SUCCEEDED })
const ref = (epoch = 1) => ({ taskId: 't', epoch })

describe('the journal', () => {
  it('keeps a task with its checkpoints and its cancellation across a restart', () => {
    const journal = reopen()
    journal.accept(offer(), 1_000)
    journal.saveCheckpoint(ref(), 'clone', { bytes: 3 })
    journal.saveCheckpoint(ref(), 'nothing', undefined)
    journal.requestCancel(ref(), 'by ana')
    const again = reopen()
    expect(again.listOpen()).toEqual([
      { taskId: 't', epoch: 1, state: 'accepted', acceptedAtMs: 1_000, cancelReason: 'by ana' },
    ])
    expect(again.offerOf('t').runId).toBe('run')
    expect(again.checkpoint(ref(), 'clone')).toEqual({ value: { bytes: 3 } })
    expect(again.checkpoint(ref(), 'nothing')).toEqual({ value: undefined })
    expect(again.checkpoint(ref(), 'other')).toBeUndefined()
  })

  it('repeats a result until it is acknowledged', () => {
    const journal = reopen()
    journal.accept(offer(), 1)
    journal.finish(result())
    expect(reopen().unacknowledgedResults()).toMatchObject([{ outcome: Outcome.SUCCEEDED }])
    const again = reopen()
    again.close(ref(), 2)
    expect(again.unacknowledgedResults()).toEqual([])
    expect(again.listOpen()).toEqual([])
    // Still known, so that a late duplicate of the offer is not taken for new work.
    expect(again.find('t')?.state).toBe('closed')
  })

  it('holds no byte of what a closed task left, so that a password lives as long as its result', () => {
    const journal = reopen()
    const password = 'z4kq7-first-password-of-an-administrator'
    const bytes = () =>
      readdirSync(directory)
        .map((name) => readFileSync(join(directory, name), 'latin1'))
        .join('')
    for (const times of [1, 2_000]) {
      journal.accept(offer(times), 1)
      journal.saveCheckpoint(ref(times), 'start', password.repeat(times))
      journal.saveFinding(ref(times), {
        kind: 'artifact',
        name: 'a',
        mediaType: '',
        content: Buffer.from(password.repeat(times)),
      })
      journal.finish({ ...result(times), error: password.repeat(times) })
      expect(bytes()).toContain(password)
      journal.close(ref(times), 2)
      expect(bytes()).not.toContain(password)
    }
  })

  it('leaves a newer epoch alone when an older one is closed or finished', () => {
    const journal = reopen()
    journal.accept(offer(1), 1)
    journal.saveCheckpoint(ref(1), 'clone', 1)
    journal.accept(offer(2), 2)
    journal.close(ref(1), 3)
    journal.finish(result(1))
    expect(journal.listOpen()).toMatchObject([{ epoch: 2, state: 'accepted' }])
    expect(journal.checkpoint(ref(2), 'clone')).toBeUndefined()
  })

  it('forgets closed tasks only, and only old ones', () => {
    const journal = reopen()
    journal.accept(offer(), 1)
    journal.purge(1_000)
    expect(journal.find('t')).toBeDefined()
    journal.close(ref(), 500)
    journal.purge(500)
    expect(journal.find('t')).toBeDefined()
    journal.purge(501)
    expect(journal.find('t')).toBeUndefined()
  })

  it('keeps each finding once, however often its task says it', () => {
    const journal = reopen()
    journal.accept(offer(), 1)
    const warning = { kind: 'warning' as const, name: 'w', mediaType: '', content: new Uint8Array() }
    journal.saveFinding(ref(), warning)
    journal.saveFinding(ref(), warning)
    expect(journal.findings(ref())).toHaveLength(1)
  })

  it('is not shared: a second process on the same directory is refused', () => {
    reopen()
    expect(() => openStateDatabase(join(directory, 'state.db'), { busyMs: 0 })).toThrow('locked')
  })
})
