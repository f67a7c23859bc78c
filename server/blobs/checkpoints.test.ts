import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendLeaves, emptyFrontier, rootOf } from '../evidence/tree/nodes.ts'
import { CheckpointRefused, createFileCheckpoints } from './checkpoints.ts'

const organization = randomUUID()
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-checkpoints-'))
})
afterEach(() => rm(root, { recursive: true }))

const someLeaves = (count: number) => Array.from({ length: count }, () => randomBytes(32))
const checkpointOf = (leaves: Buffer[]) => ({
  size: leaves.length,
  root: rootOf(appendLeaves(emptyFrontier, leaves).frontier),
  note: `note over ${leaves.length}`,
})
const leaves = someLeaves(10)
const [five, ten] = [checkpointOf(leaves.slice(0, 5)), checkpointOf(leaves)]

async function withFive() {
  const log = createFileCheckpoints(root)
  await log.append(organization, five, leaves.slice(0, 5))
  return log
}

describe('a log of checkpoints', () => {
  it('keeps what extends it', async () => {
    const log = await withFive()
    await log.append(organization, five, [])
    await log.append(organization, ten, leaves.slice(5))
    expect(await log.list(organization)).toEqual([five, ten])
    expect(await log.findNewest(organization)).toEqual(ten)
    expect(await log.readLeaves(organization, 0, 100)).toEqual(leaves)
    expect(await log.readLeaves(organization, 7, 2)).toEqual(leaves.slice(7, 9))
    expect(await log.readLeaves(organization, 10, 1)).toEqual([])
  })

  it('is empty at first, and each organization has its own', async () => {
    const log = await withFive()
    expect(await log.findNewest(randomUUID())).toBeUndefined()
    expect(await log.list(randomUUID())).toEqual([])
    await expect(log.list('../elsewhere')).rejects.toThrow('UUID')
  })

  it.each([
    ['a smaller one', checkpointOf(leaves.slice(0, 4)), []],
    ['the same size with another root', { ...checkpointOf(someLeaves(5)) }, []],
    ['one that is of other leaves', checkpointOf(someLeaves(10)), leaves.slice(5)],
    ['one whose new leaves are others', ten, someLeaves(5)],
    ['one without all its leaves', ten, leaves.slice(6)],
  ])('refuses %s, and stays as it is', async (_, checkpoint, more) => {
    const log = await withFive()
    await expect(log.append(organization, checkpoint, more)).rejects.toThrow(CheckpointRefused)
    expect(await log.list(organization)).toEqual([five])
    expect(await log.readLeaves(organization, 0, 100)).toEqual(leaves.slice(0, 5))
  })

  it('does not count what a crash left behind', async () => {
    await withFive()
    const file = (name: string) => join(root, organization, name)
    await appendFile(file('leaves'), randomBytes(70))
    await appendFile(file('checkpoints.jsonl'), '{"size":9,"ro')
    const log = createFileCheckpoints(root)
    expect(await log.findNewest(organization)).toEqual(five)
    expect(await log.readLeaves(organization, 0, 100)).toEqual(leaves.slice(0, 5))
    await log.append(organization, ten, leaves.slice(5))
    expect(await log.list(organization)).toEqual([five, ten])
    expect(await log.readLeaves(organization, 0, 100)).toEqual(leaves)
    expect((await stat(file('leaves'))).size).toBe(320)
  })

  it('says when leaves are missing', async () => {
    const log = await withFive()
    await truncate(join(root, organization, 'leaves'), 100)
    await expect(log.readLeaves(organization, 0, 5)).rejects.toThrow('lacks leaves')
  })

  it('takes nothing behind leaves that are lost: zeros would be in their place', async () => {
    const log = await withFive()
    await truncate(join(root, organization, 'leaves'), 100)
    await expect(log.append(organization, ten, leaves.slice(5))).rejects.toThrow('100 of 160 bytes')
    expect(await log.list(organization)).toEqual([five])
    expect((await stat(join(root, organization, 'leaves'))).size).toBe(100)
  })

  it('finds the newest of a long log from its end', async () => {
    const log = await withFive()
    const path = join(root, organization, 'checkpoints.jsonl')
    const line = await readFile(path, 'utf8')
    await writeFile(path, line.repeat(1_000))
    await log.append(organization, ten, leaves.slice(5))
    expect(await log.findNewest(organization)).toEqual(ten)
    expect(await log.list(organization)).toHaveLength(1_001)
  })
})
