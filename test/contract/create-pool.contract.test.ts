import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../agent/process.ts'
import { createPool, destroyPool, openOrCreatePool, openPool } from '../../agent/storage/create-pool.ts'
import { openOwnPool } from '../../agent/storage/own-pool.ts'

const MIB = 1024 * 1024
let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-create-pool-'))
  path = join(directory, 'pool')
})

afterEach(async () => {
  if (existsSync(join(path, 'pool.json'))) await destroyPool(path)
  await rm(directory, { recursive: true })
})

const loopDevices = async () =>
  (await run('losetup', ['--list'])).stdout.split('\n').filter((l) => l.includes(path))

describe('making pools', () => {
  it.each([
    ['btrfs', 'btrfs'],
    ['xfs', 'reflink'],
  ] as const)(
    'keeps a loop-backed %s in a sparse file and mounts it again after a reboot',
    async (filesystem, name) => {
      const pool = await createPool({ path, loopBytes: 512 * MIB, filesystem })
      expect(pool.driver.name).toBe(name)
      expect((await run('findmnt', ['--noheadings', '--output', 'FSTYPE,OPTIONS', path])).stdout).toMatch(
        new RegExp(`${filesystem} .*noatime`),
      )
      await writeFile(join(path, 'kept'), 'kept')
      await run('umount', [path])
      expect(await loopDevices()).toEqual([])
      expect(existsSync(join(path, 'kept'))).toBe(false)

      const again = await openPool(path)
      expect(again.driver.name).toBe(name)
      expect(existsSync(join(path, 'kept'))).toBe(true)
      expect((await openPool(path)).driver.name).toBe(name)
      expect(await loopDevices()).toHaveLength(1)

      await destroyPool(path)
      expect(await loopDevices()).toEqual([])
      expect(await readdir(directory)).toEqual([])
    },
  )

  it('takes what a directory can do, and the same pool again the next time', async () => {
    await expect(openPool(path)).rejects.toMatchObject({ reason: 'pool-missing' })
    expect((await openOrCreatePool(path)).driver.name).toBe('copy')
    expect((await openOrCreatePool(path)).driver.name).toBe('copy')
    expect((await readdir(path)).toSorted()).toEqual([
      'cells',
      'dumps',
      'making',
      'pool.json',
      'snapshots',
      'trash',
    ])
  })

  it('does not take an empty mount point for an empty pool', async () => {
    const own = () => openOwnPool(directory, path)
    await createPool({ path, loopBytes: 512 * MIB })
    const pool = await own()
    await run('umount', [path])
    const gone = { reason: 'pool-missing' }
    await expect(pool.findCell(randomUUID())).rejects.toMatchObject(gone)
    await expect(pool.destroyCell(randomUUID())).rejects.toMatchObject(gone)
    await expect(pool.listCells()).rejects.toMatchObject(gone)
    await expect(pool.usage()).rejects.toMatchObject(gone)
    await expect(pool.collectOrphans({ isBusy: () => false })).rejects.toMatchObject(gone)

    expect((await own()).driver.name).toBe('btrfs')
    expect(await pool.listCells()).toEqual([])
    await destroyPool(path)
    await run('mkdir', [path])
    await expect(own()).rejects.toMatchObject(gone)
    expect(await readdir(path)).toEqual([])
  })

  it('makes none where something is', async () => {
    await run('mkdir', [path])
    await writeFile(join(path, 'precious'), '')
    await expect(createPool({ path })).rejects.toMatchObject({ reason: 'pool-not-empty' })
    expect(await readdir(path)).toEqual(['precious'])
  })
})
