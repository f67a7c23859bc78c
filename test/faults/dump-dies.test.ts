import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireWholeDump } from '../../agent/cells/dump-read-back.ts'
import { listContainers } from '../../agent/containers/docker.ts'
import { listCellNetworks } from '../../agent/containers/networks.ts'
import { postgresName } from '../../agent/containers/postgres.ts'
import { DUMP, runPostgresTool } from '../../agent/containers/postgres-tool.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { run } from '../../agent/process.ts'
import { listNames } from '../../agent/storage/durable.ts'
import type { Dump } from '../../agent/storage/layout.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { dumpCellTask } from '../../agent/tasks/dump-cell.ts'
import { DumpCellTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createBank, findFaults } from '../support/bank.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'
import { waitFor } from '../support/wait-for.ts'

const MIB = 1024 * 1024

describe('fault 25: a dump that dies', { timeout: 60_000 }, () => {
  let rig: StorageRig
  let source: Cell

  beforeAll(async () => {
    rig = await createRig('btrfs')
    source = await createCell()
    await createBank(source)
    await query(source, "SELECT lo_from_bytea(0, convert_to(repeat('large ', 2000), 'UTF8'))")
  })

  afterAll(async () => {
    await rig?.remove()
  })

  const createCell = () =>
    rig.cells.create(
      {
        id: randomUUID(),
        environmentId: randomUUID(),
        stage: 'production',
        postgresImage: POSTGRES_IMAGE,
        limits: LIMITS,
      },
      rig.step,
    )
  const dump = (dumpId: string, task: RecordedTask) =>
    dumpCellTask(rig)(create(DumpCellTaskSchema, { cellId: source.id, dumpId }), task.context)

  let good: Dump

  it('is none when all goes well: it restores to the same rows and files, and answers at once when asked again', async () => {
    const id = randomUUID()
    const output = await dump(id, createTask())
    const found = await rig.pool.findDump(id)
    if (!found) throw new Error('the dump is not there')
    good = found
    expect(await leftovers([id])).toEqual([])
    expect(output).toMatchObject({
      sha256: good.manifestSha256,
      bytes: BigInt(good.database.bytes + good.filestore.bytes),
    })
    expect(good).toMatchObject({ cellId: source.id, stage: 'production', postgresMajor: 18 })
    expect(good.filestore.files).toBe(20)
    const manifest = await readFile(good.paths.manifest, 'utf8')
    expect(manifest.trim().split('\n')).toHaveLength(good.database.files + good.filestore.files)
    await run('sha256sum', ['--check', '--strict', '--quiet', 'manifest'], { cwd: good.paths.root })

    const fresh = await createCell()
    await runPostgresTool(
      rig.host,
      {
        command: 'pg_restore',
        arguments: ['--exit-on-error', `--dbname=${DATABASE}`, DUMP],
        cell: fresh,
        connected: ['PGUSER=postgres'],
        directory: good.paths.database,
        writable: false,
      },
      createTask().context,
    )
    await cp(good.paths.filestore, fresh.paths.filestore, { recursive: true })
    expect(await fingerprint(fresh)).toEqual(await fingerprint(source))
    expect(await findFaults(fresh)).toEqual([])
    await rig.cells.destroy(fresh.id, true, rig.step)

    const again = await dump(id, createTask())
    expect(again).toMatchObject({ sha256: output.sha256, takenAt: output.takenAt })
    expect(again.durationMs).toBeLessThan(500n)
  })

  it('is refused by the read-back wherever it was cut off', async () => {
    const names = await readdir(good.paths.database)
    const rows = await largest(good.paths.database, /^\d+\.dat$/)
    const object = names.find((name) => /^blob_\d+\.dat$/.test(name)) ?? 'none'
    const objects = names.find((name) => /^blobs_\d+\.toc$/.test(name)) ?? 'none'
    const readBack = async (damage: (directory: string) => Promise<void>) => {
      const directory = join(rig.directory, 'damaged')
      await cp(good.paths.database, directory, { recursive: true })
      await run('chown', ['-R', `${source.postgresUid}`, directory])
      await damage(directory)
      const verdict = requireWholeDump(rig.host, source, directory, createTask().context)
      const message = await verdict.then(
        () => 'whole',
        (error: Error) => error.message,
      )
      await rm(directory, { recursive: true })
      return message
    }
    const cut = (name: string, keep: number) => (directory: string) =>
      stat(join(directory, name)).then(({ size }) => truncate(join(directory, name), Math.floor(size * keep)))
    expect(await readBack(async () => undefined)).toBe('whole')
    expect(await readBack(cut(rows, 0.5))).toContain(`its ${rows} is cut off`)
    expect(await readBack(cut(object, 0.5))).toContain('its large objects')
    expect(await readBack(cut(objects, 0))).toContain('its large objects')
    expect(await readBack(cut('toc.dat', 0.5))).toContain('pg_restore ended with exit code 1')
    expect(await readBack((directory) => rm(join(directory, rows)))).toContain(
      'pg_restore ended with exit code 1',
    )
  })

  describe('in the middle of a big table', () => {
    beforeAll(async () => {
      // Small in PostgreSQL, which compresses it, and 1.5 GB in the dump: time to die in.
      await query(source, 'CREATE TABLE ballast (id int, filler text)')
      await query(
        source,
        "INSERT INTO ballast SELECT g, repeat('x', 1048576) FROM generate_series(1, 1500) g",
      )
    })

    const deaths: [string, (dumpId: string, task: RecordedTask) => Promise<unknown>, object][] = [
      [
        'pg_dump is killed',
        async (dumpId) => {
          const [tool] = await listContainers(rig.host, { role: 'task', cell: dumpId })
          await execute(tool?.Id ?? 'none', ['pkill', '-KILL', '-x', 'pg_dump'])
        },
        {
          reason: 'dump-failed',
          message: expect.stringMatching(/^cell .*: pg_dump was killed by signal 9$/),
        },
      ],
      [
        'its PostgreSQL is killed',
        (dumpId) => rig.host.docker.getContainer(postgresName(dumpId)).kill(),
        {
          reason: 'dump-failed',
          message: expect.stringMatching(/^cell .*: PostgreSQL died under pg_dump: .*$/),
        },
      ],
      [
        'the pool is full',
        async (dumpId) => {
          const [tool] = await listContainers(rig.host, { role: 'task', cell: dumpId })
          const container = rig.host.docker.getContainer(tool?.Id ?? 'none')
          // It writes hundreds of MiB a second: while it goes on, nobody can say what is free.
          await container.pause()
          try {
            await run('sync', ['--file-system', rig.pool.root])
            const { freeBytes } = await rig.pool.usage()
            await run('fallocate', ['-l', `${freeBytes - 100 * MIB}`, join(rig.pool.root, 'full')])
          } finally {
            await container.unpause()
          }
        },
        {
          reason: 'dump-failed',
          message: expect.stringMatching(/^cell .*: pg_dump .*No space left on device/),
        },
      ],
      [
        'the task is cancelled',
        async (_, task) => task.abort('cancelled'),
        { name: 'TaskAborted', why: 'cancelled' },
      ],
    ]

    it.each(deaths)('leaves nothing when %s', async (_, kill, error) => {
      const dumpId = randomUUID()
      const task = createTask()
      const outcome = dump(dumpId, task).then(
        () => 'a dump',
        (failure: unknown) => failure,
      )
      try {
        await untilStreaming(dumpId)
        await kill(dumpId, task)
        expect(await outcome).toMatchObject(error)
        expect(await leftovers([good.id])).toEqual([])
      } finally {
        task.abort('cancelled')
        await outcome
        await rm(join(rig.pool.root, 'full'), { force: true })
      }
    })

    it('leaves nothing once an agent that was killed is back', async () => {
      const dumpId = randomUUID()
      const script = fileURLToPath(new URL('../support/dump-child.ts', import.meta.url))
      const child = spawn(process.execPath, [script, rig.pool.root, rig.host.agentId, source.id, dumpId], {
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      const exited = once(child, 'exit')
      try {
        await untilStreaming(dumpId)
      } finally {
        child.kill('SIGKILL')
        await exited
      }
      expect(await leftovers([good.id])).toContain(`cells/${dumpId}`)
      await rig.cells.collectOrphans({ isBusy: () => false }, rig.step.signal)
      expect(await leftovers([good.id])).toEqual([])
      expect(await findFaults(source)).toEqual([])
    })
  })

  /** Until rows of the big table are being written. */
  async function untilStreaming(dumpId: string): Promise<void> {
    await waitFor('pg_dump to be in the middle of the big table', async () => {
      const directory = join(rig.pool.root, 'making', `${dumpId}.1`, 'database')
      const name = await largest(directory, /^\d+\.dat$/)
      return name !== '' && (await stat(join(directory, name))).size > 20 * MIB
    })
  }

  async function execute(container: string, command: string[]): Promise<void> {
    const exec = await rig.host.docker
      .getContainer(container)
      .exec({ Cmd: command, AttachStdout: true, AttachStderr: true })
    const output = await exec.start({})
    output.resume()
    await once(output, 'close')
    // Its container ends with the tool, and may end who ended it.
    expect([0, 137]).toContain((await exec.inspect()).ExitCode)
  }

  /** Everything in the pool and in Docker but the source and these dumps. */
  async function leftovers(dumps: string[]): Promise<string[]> {
    const inside = async (path: string) =>
      (await listNames(join(rig.pool.root, path))).map((name) => `${path}/${name}`)
    const kept = [
      `cells/${source.id}`,
      postgresName(source.id),
      source.id,
      ...dumps.map((id) => `dumps/${id}`),
    ]
    const found = [
      ...(await Promise.all(['cells', 'snapshots', 'dumps', 'making', 'trash'].map(inside))).flat(),
      ...(await listContainers(rig.host)).map(({ Names }) => Names[0]?.slice(1) ?? ''),
      ...(await listCellNetworks(rig.host)).keys(),
    ]
    return found.filter((name) => !kept.includes(name))
  }
})

async function query(cell: Cell, sql: string): Promise<Record<string, unknown>[]> {
  return withSuperuser(cell, async (client) => (await client.query(sql)).rows, { database: DATABASE })
}

/** Rows, sums and contents of every table of the bank, and of the large objects. */
function fingerprint(cell: Cell): Promise<Record<string, unknown>[]> {
  return query(
    cell,
    `SELECT (SELECT count(*) || ' ' || sum(balance) || ' ' || md5(string_agg(a::text, ',' ORDER BY id)) FROM account a) AS accounts,
      (SELECT count(*) || ' ' || md5(string_agg(t::text, ',' ORDER BY id)) FROM ir_attachment t) AS attachments,
      (SELECT string_agg(md5(lo_get(oid)), ',' ORDER BY oid) FROM pg_largeobject_metadata) AS objects`,
  )
}

/** Name of the largest file that matches; empty when there is none. */
async function largest(directory: string, pattern: RegExp): Promise<string> {
  let [found, bytes] = ['', -1]
  for (const name of (await listNames(directory)).filter((name) => pattern.test(name))) {
    const { size } = await stat(join(directory, name))
    if (size > bytes) [found, bytes] = [name, size]
  }
  return found
}
