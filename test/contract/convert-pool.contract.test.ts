import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createPool, destroyPool, openPool } from '../../agent/storage/create-pool.ts'
import { run } from '../../packaging/dev/command.ts'

// What docs/operations.md says to run on a host whose pool copies, as written but for the place and the size.

const checkout = fileURLToPath(new URL('../../', import.meta.url))
let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-convert-pool-'))
  path = join(directory, 'pool')
})
afterEach(async () => {
  await destroyPool(path)
  await rm(directory, { recursive: true })
})

async function documentedCommands(): Promise<string> {
  const page = await readFile(join(checkout, 'docs/operations.md'), 'utf8')
  const [, block = ''] = /^```sh convert\n(.*?)\n```$/ms.exec(page) ?? []
  expect(block).toContain('fairway-agent pool create')
  return block
    .replaceAll('/var/lib/fairway/pool', path)
    .replaceAll('200G', '512M')
    .replace(/^fairway-agent/m, join(checkout, 'packaging/bin/fairway-agent'))
    .replaceAll(/^systemctl .*\n?/gm, '')
}

it('a pool that copies becomes one that shares blocks, with all that is in it', async () => {
  const former = await createPool({ path })
  expect(former.driver.name).toBe('copy')
  const postgres = { postgresImage: 'postgres', postgresMajor: 18, postgresUid: 999, postgresGid: 999 }
  const common = { version: 1, environmentId: randomUUID(), stage: 'production', epoch: 1 } as const
  const cell = await former.createCell(
    {
      ...common,
      ...postgres,
      id: randomUUID(),
      memoryBytes: 1,
      milliCpus: 0,
      maxProcesses: 1,
      createdAt: new Date().toISOString(),
      sealed: true,
    },
    { odooPassword: 'p'.repeat(20) },
    async (data) => {
      await writeFile(join(data, 'rows'), 'precious')
      await run(
        'mkdir',
        ['pg_tblspc', 'pg_wal', 'global'].map((name) => join(data, name)),
      )
      await writeFile(join(data, 'global/pg_control'), '')
    },
  )
  const snapshotOf = (pool: typeof former) =>
    pool.snapshotCell({
      record: {
        ...common,
        ...postgres,
        id: randomUUID(),
        cellId: cell.id,
        memoryBytes: 1,
        purpose: 'test',
        quiesced: true,
      },
      from: cell,
      live: undefined,
      signal: AbortSignal.timeout(60_000),
    })
  const snapshot = await snapshotOf(former)

  await run('sh', ['-ec', await documentedCommands()])

  const pool = await openPool(path)
  expect(pool.driver.name).toBe('reflink')
  expect(await pool.listCells()).toEqual([cell])
  expect(await pool.listSnapshots()).toEqual([snapshot])
  const another = await snapshotOf(pool)
  expect(await readFile(join(another.paths.root, 'content/data/rows'), 'utf8')).toBe('precious')
  expect((await run('stat', ['-c', '%u', cell.paths.data])).trim()).toBe('999')
})
