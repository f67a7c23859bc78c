import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeLogChunk } from '../../blobs/log-chunk.ts'
import { createFileBlobs } from '../../blobs/store.ts'
import { describeFailure } from './failure.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-failure-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a log that was lost or damaged takes nothing of the rest away', async () => {
  const blobs = createFileBlobs(root)
  const chunk = await encodeLogChunk([
    { sequence: 1, unixMicros: 1, source: 'odoo', text: 'KeyError: 1', gap: 0 },
  ])
  const { sha256: there } = await blobs.put(chunk)
  const { sha256: damaged } = await blobs.put(Buffer.from('another'))
  await writeFile(join(root, damaged.slice(0, 2), damaged.slice(2)), 'something else')
  const cause = { step: 'smoke', task: 'smoke', said: 'KeyError: 1', folders: new Map() }
  const whole = await describeFailure(blobs, { ...cause, logs: [[there]] })
  expect(whole).toMatchObject({ sentence: 'KeyError: 1', log: [{ text: 'KeyError: 1' }] })
  for (const lost of ['0'.repeat(64), damaged]) {
    const failure = await describeFailure(blobs, { ...cause, logs: [[lost], [there]] })
    expect(failure.sentence).toMatch(
      /^KeyError: 1 \(Its log is missing or damaged in the blob store: restore/,
    )
    expect(failure.log.map(({ text }) => text)).toEqual(['KeyError: 1'])
    expect(JSON.stringify(failure.sentence)).not.toContain(root)
  }
})
