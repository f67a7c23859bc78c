import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCells } from '../../agent/cells/cells.ts'
import { run } from '../../agent/process.ts'
import { createPool, destroyPool, openPool } from '../../agent/storage/create-pool.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { switchRoute } from '../../agent/tasks/switch-route.ts'
import { SwitchRouteTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createBank, findFaults } from '../support/bank.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { createTask } from '../support/task-context.ts'

// What a change of production's data and its way back need of a pool: on real file systems, with real PostgreSQL.

const MIB = 1024 * 1024
/** Of the pool that copies; PostgreSQL itself writes some segments of its log when it starts. */
const RESERVE = 64 * MIB

const makeCell = (rig: StorageRig, stage: Cell['stage'] = 'production') =>
  rig.cells.create(
    { id: randomUUID(), environmentId: randomUUID(), stage, postgresImage: POSTGRES_IMAGE, limits: LIMITS },
    rig.step,
  )
const snapshotOf = (rig: StorageRig, cell: Cell, purpose: string) =>
  rig.cells.snapshot({ id: randomUUID(), cellId: cell.id, purpose, quiesce: false }, rig.step)

describe.each(['btrfs', 'reflink'] as const)('on %s, below its reserve', { timeout: 60_000 }, (driver) => {
  it('a pool puts a snapshot back, which takes no room, and copies nothing else', async () => {
    const rig = await createRig(driver)
    try {
      const cell = await makeCell(rig)
      await createBank(cell)
      const { id } = await snapshotOf(rig, cell, 'safety')
      const full = await openPool(rig.pool.root, { reserveBytes: 1024 ** 4 })
      const cells = createCells(rig.host, full)
      await expect(full.requireRoom(cell)).rejects.toMatchObject({ reason: 'disk-full' })
      await cells.restore(cell.id, id, rig.step)
      expect(await findFaults(cell)).toEqual([])
    } finally {
      await rig.remove()
    }
  })
})

describe.each(['reflink', 'copy'] as const)(
  'on %s, where there is no room',
  { timeout: 60_000 },
  (driver) => {
    it('bases go before anything is refused', async () => {
      const rig = await createRig(driver)
      try {
        const cell = await makeCell(rig, 'development')
        const base = { image: 'odoo@sha256:1', demo: false, modules: ['base'], users: [] }
        const request = { cellId: cell.id, purpose: 'base', quiesce: true }
        const { id } = await rig.cells.snapshot({ ...request, id: randomUUID(), base }, rig.step)
        const kept = await snapshotOf(rig, cell, 'prepared')
        expect((await rig.pool.requireSnapshot(id)).base).toEqual(base)
        const full = await openPool(rig.pool.root, { reserveBytes: 1024 ** 4 })
        await expect(full.requireRoom(cell)).rejects.toMatchObject({ reason: 'disk-full' })
        expect((await rig.pool.listSnapshots()).map((snapshot) => snapshot.id)).toEqual([kept.id])
      } finally {
        await rig.remove()
      }
    })
  },
)

describe('a pool that copies', { timeout: 60_000 }, () => {
  let parent: string
  let rig: StorageRig
  let production: Cell
  let other: Cell
  /** Of a copy of production, as it is now. */
  let copyBytes: number

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'fairway-room-'))
    await run('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'tmpfs', parent])
    rig = await createRig('copy', { parent, reserveBytes: RESERVE })
    production = await makeCell(rig)
    await createBank(production)
    other = await makeCell(rig, 'staging')
    await rig.cells.stop(production.id, rig.step.signal)
    await rig.cells.stop(other.id, rig.step.signal)
    copyBytes = (await rig.pool.sizeOf(production)).allocatedBytes
  }, 60_000)
  afterAll(async () => {
    await rig?.remove()
    await run('umount', [parent])
    await rm(parent, { recursive: true })
  })

  const ballast = () => join(rig.directory, 'ballast')
  async function leaveFree(copies: number): Promise<void> {
    await rm(ballast(), { force: true })
    copyBytes = (await rig.pool.sizeOf(production)).allocatedBytes
    const { freeBytes } = await rig.pool.usage()
    await writeFile(ballast(), Buffer.alloc(Math.floor(freeBytes - copies * copyBytes - RESERVE)))
  }
  const clone = (from: Cell) =>
    rig.cells.clone(
      {
        id: randomUUID(),
        environmentId: randomUUID(),
        stage: 'staging',
        from: { kind: 'cell', id: from.id },
        limits: LIMITS,
      },
      rig.step,
    )
  async function sendVisitorsAway(): Promise<void> {
    const proxy = { port: 80, setRoute: async () => undefined } as never
    const { environmentId } = production
    const target = { case: 'maintenance', value: { message: 'Soon.' } } as const
    const input = create(SwitchRouteTaskSchema, { environmentId, hostnames: ['shop.example.test'], target })
    await switchRoute({ docker: rig.host, pool: rig.pool, proxy })(input, createTask().context)
  }
  async function passTwelveHours(): Promise<void> {
    const path = join(rig.pool.root, 'way-back', `${production.id}.json`)
    const kept = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...kept, at: '2026-01-02T03:04:05.000Z' }))
  }
  const diskFull = (message: RegExp) => ({ reason: 'disk-full', message: expect.stringMatching(message) })

  it('refuses a change before it begins where its failure would not fit, and says what takes how much', async () => {
    await leaveFree(2.5)
    await expect(rig.pool.requireRoom(production)).rejects.toMatchObject(
      diskFull(
        /needs .*\(\d+ bytes: .* for a safety snapshot, .* for a copy of the data that failed, .* to put the snapshot back beside them, 64 MiB as reserve\) .* \(\d+ bytes\) free/,
      ),
    )
  })

  it('keeps the room of the way back from others, until production is served again', async () => {
    await leaveFree(3.2)
    const kept = diskFull(/kept for putting the data of other environments back/)
    await rig.pool.requireRoom(production)
    await leaveFree(2.5)
    await expect(clone(other)).rejects.toMatchObject(kept)
    // Half a day later visitors are still away, whatever keeps them from coming back.
    await sendVisitorsAway()
    await passTwelveHours()
    await expect(clone(other)).rejects.toMatchObject(kept)
    const { id } = await snapshotOf(rig, production, 'safety')
    await leaveFree(1.5)
    // What failed is studied only where it leaves the way back its room.
    await expect(snapshotOf(rig, production, 'failed')).rejects.toMatchObject(
      diskFull(/for a copy of the data that failed, .* to put the snapshot back beside it/),
    )
    await expect(clone(other)).rejects.toMatchObject({ reason: 'disk-full' })
    await rm(ballast())
    const { freeBytes } = await rig.pool.usage()
    await writeFile(ballast(), Buffer.alloc(freeBytes - copyBytes - RESERVE / 2))
    // Less than the copy and the reserve: the reserve is not for what puts production back.
    await rig.cells.restore(production.id, id, rig.step)
    expect(await findFaults(production)).toEqual([])
    await rig.pool.releaseRoom(production.id)
    await rig.cells.destroySnapshot(id, rig.step)
    await leaveFree(1.5)
    const { cell } = await clone(other)
    await rig.cells.destroy(cell.id, false, rig.step)
  })

  it('counts what is put in place of the data, where that is larger', async () => {
    await rm(ballast(), { force: true })
    await rig.cells.stop(production.id, rig.step.signal)
    await writeFile(join(production.paths.filestore, 'large'), Buffer.alloc(Math.ceil(copyBytes)))
    const large = await snapshotOf(rig, production, 'safety')
    await rm(join(production.paths.filestore, 'large'))
    await leaveFree(3.5)
    await rig.pool.requireRoom(production)
    await rig.pool.releaseRoom(production.id)
    await expect(rig.pool.requireRoom(production, large)).rejects.toMatchObject(
      diskFull(/for what is larger in the data that come in/),
    )
    await rm(ballast())
    await rig.cells.destroySnapshot(large.id, rig.step)
  })
})

describe('a pool in a sparse image', { timeout: 60_000 }, () => {
  it('has no more room than the file system around the image', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fairway-outer-'))
    const outer = join(directory, 'outer')
    const image = join(directory, 'outer.img')
    await writeFile(image, '')
    await truncate(image, 600 * MIB)
    await run('mkfs.ext4', ['-q', image])
    await run('mkdir', [outer])
    await run('mount', ['-o', 'loop', image, outer])
    const path = join(outer, 'pool')
    try {
      const pool = await createPool({ path, loopBytes: 4096 * MIB, reserveBytes: 64 * MIB })
      const free = async () => {
        const { bavail, bsize } = await statfs(outer)
        return bavail * bsize
      }
      const usage = await pool.usage()
      expect(usage.totalBytes).toBeGreaterThan(4000 * MIB)
      expect(usage.freeBytes).toBeLessThanOrEqual(600 * MIB)
      expect(usage.outerFreeBytes).toBe(usage.freeBytes)
      await run('fallocate', ['--length', String((await free()) - 32 * MIB), join(outer, 'ballast')])
      await expect(pool.createCell({} as never, {} as never, async () => undefined)).rejects.toMatchObject({
        reason: 'disk-full',
        message: expect.stringContaining('free in the file system around its image'),
      })
      await rm(join(outer, 'ballast'))
      // An image that has all its blocks takes nothing of it any more.
      await run('fallocate', ['--length', String(300 * MIB), `${path}.img`])
      await destroyPool(path)
      const small = await createPool({ path, loopBytes: 300 * MIB })
      await run('fallocate', ['--length', String(300 * MIB), `${path}.img`])
      expect((await small.usage()).outerFreeBytes).toBeUndefined()
    } finally {
      await destroyPool(path)
      await run('umount', [outer])
      await rm(directory, { recursive: true })
    }
  })
})
