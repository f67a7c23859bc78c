import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCopyDriver } from './copy.ts'
import { cellAt, createLayout, type Layout, makeLayout, snapshotAt } from './layout.ts'
import type { Cell, CellRecord, SnapshotRecord } from './records.ts'
import { confirm, swapIn, takeBack } from './restore.ts'

const { signal } = new AbortController()
const driver = createCopyDriver()
let layout: Layout
let cell: Cell

beforeEach(async () => {
  layout = createLayout(await mkdtemp(join(tmpdir(), 'fairway-restore-')))
  await makeLayout(layout)
  const id = randomUUID()
  cell = cellAt(layout.cell(id), { id } as CellRecord)
  await makeContent(join(cell.paths.root, 'content'), 'old')
})

afterEach(() => rm(layout.root, { recursive: true }))

async function makeContent(path: string, text: string): Promise<void> {
  for (const part of ['data/global', 'data/pg_wal', 'filestore'])
    await mkdir(join(path, part), { recursive: true })
  await writeFile(join(path, 'data/text'), text)
}

async function swapSnapshotIn(): Promise<void> {
  const id = randomUUID()
  await makeContent(join(layout.snapshot(id), 'content'), 'restored')
  const snapshot = snapshotAt(layout.snapshot(id), { id } as SnapshotRecord)
  await swapIn(layout, driver, cell, snapshot, 1, signal)
}

const text = () => readFile(join(cell.paths.data, 'text'), 'utf8')
const names = async () => (await readdir(cell.paths.root)).toSorted()
const at = (name: string) => join(cell.paths.root, name)

describe('restoring in place', () => {
  it('keeps the old content until it is confirmed', async () => {
    await swapSnapshotIn()
    expect(await text()).toBe('restored')
    expect(await names()).toEqual(['content', 'previous'])
    await confirm(layout, driver, cell)
    expect(await names()).toEqual(['content'])
    expect(await readdir(layout.making)).toEqual([])
    expect(await readdir(layout.trash)).toEqual([])
  })

  it('can be taken back, and then there is nothing to take back', async () => {
    await swapSnapshotIn()
    expect(await takeBack(layout, driver, cell)).toBe(true)
    expect(await text()).toBe('old')
    expect(await names()).toEqual(['content'])
    expect(await takeBack(layout, driver, cell)).toBe(false)
  })

  it.each(['content', 'incoming'])(
    'has the old content back before it deletes the other: %s',
    async (gone) => {
      await swapSnapshotIn()
      if (gone === 'incoming') {
        await mkdir(at('incoming'))
        await rename(at('content'), join(at('incoming'), 'content'))
      }
      const removeContent = () => Promise.reject(new Error('killed'))
      await expect(takeBack(layout, { ...driver, removeContent }, cell)).rejects.toThrow('killed')
      expect(await text()).toBe('old')
      expect(await names()).toEqual(['content'])
    },
  )

  it('run again after a crash before the confirmation, still knows the old content', async () => {
    await swapSnapshotIn()
    await swapSnapshotIn()
    await takeBack(layout, driver, cell)
    expect(await text()).toBe('old')
  })

  it.each([
    ['the copy was whole', async () => makeContent(join(at('incoming'), 'content'), 'half')],
    [
      'the old content was moved away',
      async () => {
        await makeContent(join(at('incoming'), 'content'), 'half')
        await rename(at('content'), at('previous'))
      },
    ],
    [
      'both were moved',
      async () => {
        await mkdir(at('incoming'))
        await rename(at('content'), at('previous'))
        await makeContent(at('content'), 'half')
      },
    ],
  ])('is undone after a crash when %s', async (_, crash) => {
    await crash()
    await takeBack(layout, driver, cell)
    expect(await text()).toBe('old')
    expect(await names()).toEqual(['content'])
  })
})
