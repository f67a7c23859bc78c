import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { postgresName } from '../../agent/containers/postgres.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { run } from '../../agent/process.ts'
import type { DriverName } from '../../agent/storage/driver.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { createRig, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const GIB = 1024 ** 3
const LIMITS = { memoryBytes: 2 * GIB, milliCpus: 0, maxProcesses: 512 }
const COPY_DATABASE = 'peer_copy'

/** P1 (copy-on-write pools), P2 (plain ext4) and P3 (live): clone of a production cell, request → first query. */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        /** In GB. */
        sizes: { type: 'string', default: '1,4,8' },
        drivers: { type: 'string', default: 'btrfs,reflink,copy' },
        runs: { type: 'string', default: '5' },
        /** Dump and restore takes minutes: fewer runs of it. */
        'dump-runs': { type: 'string', default: '3' },
        /** Seconds of pgbench in P3. 0: leave P3 out. */
        live: { type: 'string', default: '20' },
        /** Directory for the pools. */
        parent: { type: 'string' },
      },
    })
    const runs = Number(values.runs)
    const dumpRuns = Number(values['dump-runs'])
    const rows: Row[] = []
    for (const driver of values.drivers.split(',') as DriverName[]) {
      const ours: { sizeGb: number; seconds: number }[] = []
      const sizes = values.sizes.split(',').map(Number)
      for (const sizeGb of driver === 'copy' ? sizes.slice(0, 2).slice(-1) : sizes) {
        const bytes = (sizeGb * 5 + 6) * GIB
        const rig = await createRig(driver, { bytes, ...(values.parent ? { parent: values.parent } : {}) })
        try {
          process.stderr.write(`${driver}, ${sizeGb} GB\n`)
          const source = await createSource(rig, sizeGb)
          const measured = await measureClones(rig, source, driver, sizeGb, runs, dumpRuns)
          rows.push(...measured.rows)
          ours.push({ sizeGb, seconds: measured.seconds })
          const isLast = sizeGb === sizes.at(-1)
          if (driver !== 'copy' && isLast && Number(values.live) > 0) {
            rows.push(...(await measureLive(rig, source, driver, Number(values.live), runs)))
          }
        } finally {
          await rig.remove()
        }
      }
      rows.push(...growth(driver, ours))
    }
    return { runs, rows }
  },
}

function growth(driver: DriverName, ours: { sizeGb: number; seconds: number }[]): Row[] {
  const [small, large] = [ours[0], ours.at(-1)]
  if (!small || !large || small === large) return []
  return [
    {
      id: `P1 ${driver} growth`,
      what: `clone of ${large.sizeGb} GB against ${small.sizeGb} GB`,
      ours: large.seconds,
      peer: small.seconds,
      peerName: `${small.sizeGb} GB`,
      unit: 's',
      ratio: large.seconds / small.seconds,
      goal: '≤ 1.3',
    },
  ]
}

interface Timed {
  seconds: number
  cpu: number
}

async function measureClones(
  rig: StorageRig,
  source: Cell,
  driver: DriverName,
  sizeGb: number,
  runs: number,
  dumpRuns: number,
): Promise<{ rows: Row[]; seconds: number }> {
  const clones: Timed[] = []
  const dumps: Timed[] = []
  const templates: Timed[] = []
  const copies: Timed[] = []
  for (let turn = 0; turn < runs; turn += 1) {
    clones.push(await timeClone(rig, source))
    templates.push(
      await timed(
        'createdb -T',
        () => copyByTemplate(source),
        () => dropCopy(source),
      ),
    )
    if (turn < dumpRuns)
      dumps.push(
        await timed(
          'pg_dump | pg_restore',
          () => copyByDump(source),
          () => dropCopy(source),
        ),
      )
    if (driver === 'copy') {
      const target = join(rig.directory, 'cp')
      const remove = () => rm(target, { recursive: true, force: true })
      copies.push(
        await timed('cp -a', () => run('cp', ['-a', join(source.paths.root, 'content'), target]), remove),
      )
    }
  }
  const ours = summarize(clones)
  const what = `clone of ${sizeGb} GB on ${driver}, request → first query`
  const against = (id: string, peerName: string, timings: Timed[], goal: string): Row => {
    const peer = summarize(timings)
    const cpu = { ours: ours.cpu, peer: peer.cpu }
    return {
      id,
      what,
      ours: ours.seconds,
      peer: peer.seconds,
      peerName,
      unit: 's',
      ratio: peer.seconds / ours.seconds,
      goal,
      cpu,
    }
  }
  const goal = driver === 'copy' ? 'P2' : 'P1'
  const rows = [
    against(
      `${goal} ${driver} ${sizeGb} GB`,
      'pg_dump -Fc | pg_restore',
      dumps,
      goal === 'P1' ? '≥ 100' : '≥ 5',
    ),
    against(`${goal} ${driver} ${sizeGb} GB`, 'createdb -T', templates, goal === 'P1' ? '≥ 30' : '(none)'),
    ...(driver === 'copy' ? [against(`P2 ${driver} ${sizeGb} GB`, 'cp -a', copies, '≥ 0.8')] : []),
  ]
  return { rows, seconds: ours.seconds }
}

/** @param settle after the clone was timed; default: it is destroyed. */
async function timeClone(
  rig: StorageRig,
  source: Cell,
  settle = (cell: Cell): Promise<unknown> => destroyAndSync(rig, cell),
): Promise<Timed> {
  const request = {
    id: randomUUID(),
    environmentId: randomUUID(),
    stage: 'staging' as const,
    from: { kind: 'cell' as const, id: source.id },
    limits: { ...LIMITS, memoryBytes: GIB / 2 },
  }
  const clone = async () => {
    const { cell } = await rig.cells.clone(request, rig.step)
    await withSuperuser(cell, (client) => client.query('SELECT count(*) FROM bulk_0 WHERE id < 100'), {
      database: DATABASE,
    })
    return cell
  }
  return timed('clone', clone, settle)
}

async function destroyAndSync(rig: StorageRig, cell: Cell): Promise<void> {
  await rig.cells.destroy(cell.id, false, rig.step)
  await run('sync', [])
}

async function timed<T>(
  what: string,
  work: () => Promise<T>,
  cleanUp: (made: T) => Promise<unknown>,
): Promise<Timed> {
  const cpu = await readCpuSeconds()
  const begun = performance.now()
  const made = await work()
  const result = { seconds: (performance.now() - begun) / 1000, cpu: (await readCpuSeconds()) - cpu }
  process.stderr.write(`  ${what}: ${result.seconds.toFixed(2)} s\n`)
  await cleanUp(made)
  return result
}

function summarize(timings: readonly Timed[]): Timed {
  return {
    seconds: median(timings.map(({ seconds }) => seconds)),
    cpu: median(timings.map(({ cpu }) => cpu)),
  }
}

/** Busy CPU seconds of the whole machine since it started (all but idle and iowait, in ticks of 10 ms). */
async function readCpuSeconds(): Promise<number> {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (await readFile('/proc/stat', 'utf8'))
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) / 100
}

/** A production cell with 500 small tables, as many files as an Odoo, and eight large ones. */
async function createSource(rig: StorageRig, sizeGb: number): Promise<Cell> {
  const cell = await rig.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'production',
      postgresImage: POSTGRES_IMAGE,
      limits: LIMITS,
    },
    rig.step,
  )
  await query(
    cell,
    "DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE small_%s (id serial PRIMARY KEY, name text, note text)', i); END LOOP; END $$",
  )
  // A row with its share of the index takes about 340 bytes.
  const rows = Math.round((sizeGb * GIB) / 8 / 340)
  const fill = async (table: number) => {
    await query(
      cell,
      `CREATE TABLE bulk_${table} AS SELECT g AS id, md5(g::text) AS name, repeat(md5((g * 7)::text), 7) AS note
       FROM generate_series(1, ${rows}) g; ALTER TABLE bulk_${table} ADD PRIMARY KEY (id)`,
    )
  }
  for (let table = 0; table < 8; table += 2) await Promise.all([fill(table), fill(table + 1)])
  await query(cell, 'VACUUM ANALYZE')
  await query(cell, 'CHECKPOINT')
  return cell
}

async function query(cell: Cell, sql: string, database = DATABASE): Promise<void> {
  await withSuperuser(cell, (client) => client.query(sql), { database })
}

async function copyByTemplate(source: Cell): Promise<void> {
  await query(source, `CREATE DATABASE ${COPY_DATABASE} TEMPLATE ${DATABASE}`, 'postgres')
  await query(source, 'SELECT count(*) FROM bulk_0 WHERE id < 100', COPY_DATABASE)
}

async function copyByDump(source: Cell): Promise<void> {
  await query(source, `CREATE DATABASE ${COPY_DATABASE}`, 'postgres')
  const pipe = `set -o pipefail; pg_dump -Fc -U postgres -h /run/fairway ${DATABASE} | pg_restore -U postgres -h /run/fairway -d ${COPY_DATABASE}`
  await run('docker', ['exec', postgresName(source.id), 'bash', '-c', pipe])
  await query(source, 'SELECT count(*) FROM bulk_0 WHERE id < 100', COPY_DATABASE)
}

async function dropCopy(source: Cell): Promise<void> {
  await query(source, `DROP DATABASE IF EXISTS ${COPY_DATABASE}`, 'postgres')
  await query(source, 'CHECKPOINT')
  await run('sync', [])
}

/** P3: how much a clone costs a production that pgbench keeps busy, and what the dump pipe takes meanwhile. */
async function measureLive(
  rig: StorageRig,
  source: Cell,
  driver: DriverName,
  seconds: number,
  runs: number,
): Promise<Row[]> {
  const inside = ['exec', postgresName(source.id), 'pgbench', '-h', '/run/fairway', '-U', 'postgres']
  const pgbench = (...args: string[]) => run('docker', [...inside, ...args, DATABASE])
  await pgbench('--initialize', '--quiet', '--scale=20')
  const transactions = async (meanwhile: () => Promise<void>) => {
    const load = pgbench('--no-vacuum', '--client=4', '--jobs=2', `--time=${seconds}`)
    await Promise.all([load, delay(1000).then(meanwhile)])
    return Number(/actually processed: (\d+)/.exec((await load).stdout)?.[1]) / seconds
  }
  const [alone, beside, clones]: [number[], number[], Timed[]] = [[], [], []]
  for (let turn = 0; turn < runs; turn += 1) {
    alone.push(await transactions(async () => undefined))
    const kept: Cell[] = []
    const keep = async (cell: Cell) => kept.push(cell)
    beside.push(await transactions(async () => void clones.push(await timeClone(rig, source, keep))))
    for (const cell of kept) await destroyAndSync(rig, cell)
  }
  const dumps: Timed[] = []
  await transactions(
    async () =>
      void dumps.push(
        await timed(
          'pg_dump | pg_restore',
          () => copyByDump(source),
          () => dropCopy(source),
        ),
      ),
  )
  const [without, withClone] = [median(alone), median(beside)]
  const [ours, peer] = [summarize(clones), summarize(dumps)]
  return [
    {
      id: `P3 ${driver}`,
      what: `transactions lost in ${seconds} s with a clone in them (no session dropped)`,
      ours: withClone,
      peer: without,
      peerName: 'without a clone',
      unit: '1/s',
      ratio: (1 - withClone / without) * 100,
      goal: '≤ 10 %',
    },
    {
      id: `P3 ${driver}`,
      what: 'clone of a live production under pgbench',
      ours: ours.seconds,
      peer: peer.seconds,
      peerName: 'pg_dump -Fc | pg_restore',
      unit: 's',
      ratio: peer.seconds / ours.seconds,
      goal: '≥ 20',
      cpu: { ours: ours.cpu, peer: peer.cpu },
    },
  ]
}
