import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, open, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findContainer } from '../../agent/containers/docker.ts'
import { postgresName } from '../../agent/containers/postgres.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { run } from '../../agent/process.ts'
import type { DriverName } from '../../agent/storage/driver.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { createBank, findFaults, startLoad, writeAttachments } from '../support/bank.ts'
import { createRig, createStep, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'

// One suite for every driver, on real file systems with real PostgreSQL.
describe.each<DriverName>(['btrfs', 'reflink', 'copy'])('pool on %s', { timeout: 60_000 }, (driver) => {
  let rig: StorageRig
  let production: Cell

  beforeAll(async () => {
    rig = await createRig(driver)
    production = await rig.cells.create(
      {
        id: randomUUID(),
        environmentId: randomUUID(),
        stage: 'production',
        postgresImage: POSTGRES_IMAGE,
        limits: LIMITS,
      },
      rig.step,
    )
    await createBank(production)
  }, 60_000)

  afterAll(async () => {
    await rig?.remove()
    expect((await run('losetup', ['--list'])).stdout).not.toContain(rig?.directory ?? 'nothing')
  }, 60_000)

  const request = (from: { kind: 'cell' | 'snapshot'; id: string }) => ({
    id: randomUUID(),
    environmentId: randomUUID(),
    stage: 'staging' as const,
    from,
    limits: LIMITS,
  })
  const clone = async (from: Parameters<typeof request>[0]) =>
    (await rig.cells.clone(request(from), rig.step)).cell
  const destroy = (cell: Cell) => rig.cells.destroy(cell.id, false, rig.step)

  it('clones a running production under write load, consistently and without losing a session', async () => {
    const load = startLoad(production)
    await delay(300)
    const clones = [
      await clone({ kind: 'cell', id: production.id }),
      await clone({ kind: 'cell', id: production.id }),
    ]
    expect(await load.stop()).toBeGreaterThan(0)
    for (const cell of clones) expect(await findFaults(cell)).toEqual([])
    expect(await findFaults(production)).toEqual([])
    await Promise.all(clones.map(destroy))
  })

  it('gives a clone passwords of its own', async () => {
    const cell = await clone({ kind: 'cell', id: production.id })
    const ours = await rig.cells.connection(cell)
    const theirs = await rig.cells.connection(production)
    expect(ours.password).not.toBe(theirs.password)
    expect(await login(rig, cell, ours.user, ours.password)).toBe('in')
    expect(await login(rig, cell, theirs.user, theirs.password)).toBe('28P01')
    expect(await login(rig, cell, 'postgres', ours.password)).toBe('28000')
    await destroy(cell)
  })

  it('keeps what a clone writes from its source, and the other way round', async () => {
    const cell = await clone({ kind: 'cell', id: production.id })
    await count(cell, 'DELETE FROM journal')
    await count(production, "INSERT INTO journal (account_id, amount, note) VALUES (1, 0, 'later')")
    await count(cell, 'UPDATE account SET balance = balance + 1 WHERE id = 1')
    expect(await count(cell, 'SELECT FROM journal')).toBe(0)
    expect(await findFaults(cell)).toContain('balances sum to 1')
    expect(await findFaults(production)).toEqual([])
    await destroy(cell)
  })

  it('takes a snapshot that stays as it is, and puts it back in place', async () => {
    const before = await count(production, 'SELECT FROM ir_attachment')
    const { id } = await rig.cells.snapshot(
      { id: randomUUID(), cellId: production.id, purpose: 'safety', quiesce: false },
      rig.step,
    )
    await writeAttachments(production, 5)
    await count(production, 'DELETE FROM journal')
    const { password } = await rig.cells.connection(production)
    await rig.cells.restore(production.id, id, rig.step)
    expect(await findFaults(production)).toEqual([])
    expect(await count(production, 'SELECT FROM ir_attachment')).toBe(before)
    expect(await login(rig, production, 'odoo', password)).toBe('in')
    expect(await readdir(production.paths.root)).not.toContain('previous')
    await rig.cells.destroySnapshot(id, rig.step)
    expect(await rig.pool.listSnapshots()).toEqual([])
  })

  it('puts the old content back when the restored one does not start', async () => {
    const { id, paths } = await rig.cells.snapshot(
      { id: randomUUID(), cellId: production.id, purpose: 'safety', quiesce: true },
      rig.step,
    )
    await rm(join(paths.content, 'data/global/pg_control'))
    await expect(rig.cells.restore(production.id, id, rig.step)).rejects.toMatchObject({
      reason: 'postgres-failed',
    })
    expect(await findFaults(production)).toEqual([])
    await rig.cells.destroySnapshot(id, rig.step)
  })

  it('clones a quiesced snapshot without recovery', async () => {
    const prepared = await rig.cells.snapshot(
      { id: randomUUID(), cellId: production.id, purpose: 'prepared', quiesce: true },
      rig.step,
    )
    expect(prepared.quiesced).toBe(true)
    const cell = await clone({ kind: 'snapshot', id: prepared.id })
    expect(cell.source?.time).toBe(prepared.takenAt)
    expect(await findFaults(cell)).toEqual([])
    const log = await rig.host.docker.getContainer(postgresName(cell.id)).logs({ stderr: true, stdout: true })
    expect(log.toString()).not.toMatch(/recovery|redo/)
    await destroy(cell)
    await rig.cells.destroySnapshot(prepared.id, rig.step)
  })

  it('leaves links and special files of a hostile filestore behind', async () => {
    const cell = await clone({ kind: 'cell', id: production.id })
    await symlink('/etc', join(cell.paths.filestore, 'directory'))
    await symlink('/etc/shadow', join(cell.paths.filestore, 'file'))
    await run('mkfifo', [join(cell.paths.filestore, 'fifo')])
    const again = await clone({ kind: 'cell', id: cell.id })
    // An atomic snapshot has the links as links; the others copy what is a plain file when it is opened.
    const links = driver === 'btrfs' ? ['directory', 'fifo', 'file'] : []
    expect((await readdir(again.paths.filestore)).toSorted()).toEqual([...links, 'filestore'].toSorted())
    await Promise.all([destroy(cell), destroy(again)])
    expect(existsSync('/etc/passwd')).toBe(true)
  })

  it('destroys production only when told so, and trusts no record that others could have written', async () => {
    await expect(rig.cells.destroy(production.id, false, rig.step)).rejects.toMatchObject({
      reason: 'production-protected',
    })
    const record = join(production.paths.root, 'cell.json')
    const honest = await readFile(record, 'utf8')
    const elsewhere = join(rig.directory, 'cell.json')
    await writeFile(elsewhere, honest.replace('"production"', '"staging"'))
    await rm(record)
    await symlink(elsewhere, record)
    await expect(rig.cells.destroy(production.id, false, rig.step)).rejects.toMatchObject({
      reason: 'record-tampered',
    })
    await rm(record)
    await writeFile(record, honest.replace('"production"', '"staging"'))
    await chmod(record, 0o666)
    await expect(rig.cells.destroy(production.id, false, rig.step)).rejects.toMatchObject({
      reason: 'record-tampered',
    })
    await writeFile(record, honest)
    await chmod(record, 0o600)
    expect(await findFaults(production)).toEqual([])
  })

  it('does everything once for the same id', async () => {
    const once = request({ kind: 'cell', id: production.id })
    const first = await rig.cells.clone(once, rig.step)
    await count(first.cell, "INSERT INTO journal (account_id, amount, note) VALUES (1, 0, 'mine')")
    const rows = await count(first.cell, 'SELECT FROM journal')
    const second = await rig.cells.clone(once, createStep(2))
    expect(await count(second.cell, 'SELECT FROM journal')).toBe(rows)
    await destroy(first.cell)
    expect(await destroy(first.cell)).toBeGreaterThanOrEqual(0)
    expect(await findContainer(rig.host, postgresName(first.cell.id))).toBeUndefined()
  })

  it('undoes a clone that is cancelled in the middle', async () => {
    for (const afterMs of [5, 40, 120]) {
      const controller = new AbortController()
      const wanted = request({ kind: 'cell', id: production.id })
      const cloning = rig.cells.clone(wanted, createStep(1, controller.signal))
      cloning.catch(() => undefined)
      await delay(afterMs)
      controller.abort(new Error('cancelled'))
      await expect(cloning).rejects.toThrow('cancelled')
      // Cancelled after the copy was whole, the cell is there, and goes as any other.
      await destroy({ ...production, ...wanted })
      expect(await leftovers(rig)).toEqual([])
      expect(await rig.pool.findCell(wanted.id)).toBeUndefined()
    }
    expect(await findFaults(production)).toEqual([])
  })

  it('starts what Docker could not start because the pool was not mounted', async () => {
    const cell = await clone({ kind: 'cell', id: production.id })
    await rig.cells.stop(cell.id, rig.step.signal)
    const recover = () => rig.cells.recoverAfterBoot(rig.step.signal)
    expect(await recover()).toEqual({ recovered: [], failed: [] })
    await rig.cells.start(cell.id, rig.step.signal)
    await rig.host.docker.getContainer(postgresName(cell.id)).kill()
    await rename(cell.paths.data, `${cell.paths.data}.away`)
    await expect(rig.host.docker.getContainer(postgresName(cell.id)).start()).rejects.toThrow()
    // Nor can the agent, which goes on to the other cells.
    expect(await recover()).toMatchObject({ recovered: [], failed: [{ cellId: cell.id }] })
    await rename(`${cell.paths.data}.away`, cell.paths.data)
    expect(await recover()).toEqual({ recovered: [cell.id], failed: [] })
    expect(await findFaults(cell)).toEqual([])
    await destroy(cell)
  })

  it('shows nothing half-made after kill -9 at any point, and ends the same clone when asked again', async () => {
    const attempts = [0.05, 0.25, 0.45, 0.7].map((part) => Math.round((part + Math.random() * 0.15) * 700))
    for (const killAfterMs of attempts) {
      const wanted = request({ kind: 'cell', id: production.id })
      await killCloning(rig, wanted, killAfterMs)
      const hint = `killed after ${killAfterMs} ms`
      expect(await findFaults(production), hint).toEqual([])
      const visible = await rig.pool.findCell(wanted.id)
      const { cell } = await rig.cells.clone(wanted, createStep(2))
      expect(cell.createdAt, hint).toBe(visible?.createdAt ?? cell.createdAt)
      expect(await findFaults(cell), hint).toEqual([])
      await destroy(cell)
    }
    await rig.cells.collectOrphans({ isBusy: () => false }, rig.step.signal)
    expect(await leftovers(rig)).toEqual([])
  })

  it('collects what killed tasks and unknown cells leave, but never production', async () => {
    const unknown = await clone({ kind: 'cell', id: production.id })
    const busy = request({ kind: 'cell', id: production.id })
    for (const killAfterMs of [20, 60, 100]) await killCloning(rig, busy, killAfterMs)
    const isBusy = (id: string) => id === unknown.id
    await rig.cells.collectOrphans({ isBusy, known: new Set() }, rig.step.signal)
    expect((await rig.pool.listCells()).map(({ id }) => id).toSorted()).toEqual(
      [production.id, unknown.id].toSorted(),
    )
    await rig.cells.collectOrphans({ isBusy: () => false, known: new Set() }, rig.step.signal)
    expect((await rig.pool.listCells()).map(({ id }) => id)).toEqual([production.id])
    expect(await leftovers(rig)).toEqual([])
    expect(
      await rig.host.docker.listNetworks({ filters: { label: [`fairway.cell=${unknown.id}`] } }),
    ).toEqual([])
    expect(await findFaults(production)).toEqual([])
  })
})

describe('a pool that is nearly full', { timeout: 60_000 }, () => {
  it('refuses a copy that does not fit, naming both figures, and leaves nothing of one that fails midway', async () => {
    const parent = await mountTiny()
    const rig = await createRig('copy', { parent, reserveBytes: 0 })
    try {
      const cell = await rig.cells.create(
        {
          id: randomUUID(),
          environmentId: randomUUID(),
          stage: 'staging',
          postgresImage: POSTGRES_IMAGE,
          limits: LIMITS,
        },
        rig.step,
      )
      const request = {
        id: randomUUID(),
        environmentId: randomUUID(),
        stage: 'staging' as const,
        from: { kind: 'cell' as const, id: cell.id },
        limits: LIMITS,
      }
      const { freeBytes } = await rig.pool.usage()
      await writeFile(join(rig.directory, 'ballast'), Buffer.alloc(freeBytes - 20 * 1024 * 1024))
      await expect(rig.cells.clone(request, rig.step)).rejects.toMatchObject({
        reason: 'disk-full',
        message: expect.stringMatching(/needs .*\(\d+ bytes.*has 2\d MiB \(\d+ bytes\) free/),
      })
      await expect(rig.pool.requireRoom(cell)).rejects.toMatchObject({ reason: 'disk-full' })
      await rm(join(rig.directory, 'ballast'))
      expect((await rig.pool.requireRoom(cell)).freeBytes).toBeGreaterThan(freeBytes * 0.8)
      // Room as the preflight sees it, none any more when it comes to it: copying fills a sparse file.
      await truncate(join(cell.paths.filestore, 'sparse'), 1024 * 1024 * 1024)
      await expect(rig.cells.clone(request, rig.step)).rejects.toMatchObject({ reason: 'disk-full' })
      expect((await rig.pool.listCells()).map(({ id }) => id)).toEqual([cell.id])
      expect(await leftovers(rig)).toEqual([])
      expect((await rig.pool.usage()).freeBytes).toBeGreaterThan(freeBytes * 0.8)
    } finally {
      await rig.remove()
      await run('umount', [parent])
      await rm(parent, { recursive: true })
    }
  })
})

async function count(cell: Cell, sql: string): Promise<number> {
  return withSuperuser(cell, async (client) => (await client.query(sql)).rowCount ?? 0, {
    database: DATABASE,
  })
}

/** Logs in as Odoo does, over the cell's network. */
async function login(rig: StorageRig, cell: Cell, user: string, password: string): Promise<string> {
  const inspected = await rig.host.docker.getContainer(postgresName(cell.id)).inspect()
  const address = Object.values(inspected.NetworkSettings.Networks)[0]?.IPAddress
  const client = new pg.Client({ host: address, user, password, database: DATABASE })
  try {
    await client.connect()
    return 'in'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await client.end()
  }
}

async function truncate(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  await file.truncate(bytes)
  await file.close()
}

async function mountTiny(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'fairway-tiny-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=300m', 'tmpfs', parent])
  return parent
}

/** What nobody may see: entries of making/ and trash/, and anything in a cell that is not of a whole one. */
async function leftovers(rig: StorageRig): Promise<string[]> {
  const inside = async (path: string) =>
    (await readdir(join(rig.pool.root, path))).map((name) => `${path}/${name}`)
  const cells = (await inside('cells')).map(async (path) =>
    (await inside(path)).filter((name) => !/\/(cell\.json|secrets\.json|content|run)$/.test(name)),
  )
  return [...(await inside('making')), ...(await inside('trash')), ...(await Promise.all(cells)).flat()]
}

/** Clones in another process and kills it -9 after a while; it may be done by then. */
async function killCloning(rig: StorageRig, request: unknown, killAfterMs: number): Promise<void> {
  const script = fileURLToPath(new URL('../support/clone-child.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [script, rig.pool.root, rig.host.agentId, String(32 * 1024 * 1024), JSON.stringify(request)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await untilOutput(child, 'begin')
  await delay(killAfterMs)
  const exited = new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode === null) {
    child.kill('SIGKILL')
    await exited
  }
}

async function untilOutput(child: ChildProcess, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes(text) && resolve())
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`clone-child ended before it said ${text}`)))
  })
}
