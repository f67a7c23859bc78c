import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { run } from '../../packaging/dev/command.ts'
import { createClone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { createShop, type EnvironmentShown, finishedBuild } from '../support/shop.ts'
import { addLevel } from '../support/shop-releases.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'
import { timelineOf } from './_timeline.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const branch = 'release/1.0'

interface Sample {
  /** From the command to the moment the route led to the former runtime on its former data. */
  readonly rollback: number
  /** What people saw of it: the maintenance page. */
  readonly away: number
  /** Odoo's update, as the rehearsal had it and as it was in production. */
  readonly rehearsed: number
  readonly updated: number
  readonly predicted: number
  readonly downtime: number
}

/** P12: production back on the previous digest with its data, against a restore from a dump; and how true rehearsals are. */
export const bench: Benchmark = {
  async run(args) {
    const options = {
      runs: { type: 'string', default: '3' },
      size: { type: 'string', default: '4' },
      timeline: { type: 'boolean', default: false },
    } as const
    const { values } = parseArgs({ args, options })
    const runs = Number(values.runs)
    const sizeGb = Number(values.size)
    // Production, its dump, what is restored from it, and what either side's clones no longer share.
    const test = await startTestStack('bench', { poolGiB: 20 + 6 * sizeGb })
    try {
      await prepare(test, sizeGb)
      const samples: Sample[] = []
      const restores: number[] = []
      for (let round = 1; round <= runs; round++) {
        samples.push(await measure(test, values.timeline))
        restores.push(await restoreFromDump(test.stack))
        process.stderr.write(
          `  round ${round}: rollback ${samples.at(-1)?.rollback.toFixed(1)} s, restore ${restores.at(-1)?.toFixed(1)} s\n`,
        )
      }
      return { runs, rows: rowsOf(samples, restores, values.size) }
    } finally {
      await test.close()
    }
  },
}

function rowsOf(samples: readonly Sample[], restores: readonly number[], size: string): Row[] {
  const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]))
  const peer = median(restores)
  const row = (
    id: string,
    what: string,
    ours: number,
    against: [number, string],
    ratio: number,
    goal: string,
  ): Row => ({
    id,
    what,
    ours,
    peer: against[0],
    peerName: against[1],
    unit: 's',
    ratio,
    goal,
  })
  const dump: [number, string] = [peer, 'pg_restore of a dump that is there already']
  return [
    row(
      'P12',
      `rollback with ${size} GB of data, command → serving`,
      of('rollback'),
      dump,
      peer / of('rollback'),
      '≥ 50',
    ),
    row('P12', 'of it, maintenance page', of('away'), dump, peer / of('away'), ''),
    row(
      'rehearsal',
      'update in production against its rehearsal',
      of('updated'),
      [of('rehearsed'), 'as rehearsed'],
      of('updated') / of('rehearsed'),
      '0.75 to 1.25',
    ),
    row(
      'rehearsal',
      'downtime against its prediction',
      of('downtime'),
      [of('predicted'), 'as predicted'],
      of('downtime') / of('predicted'),
      '',
    ),
  ]
}

/** Production with that much data in it, and a staging build that adds a column. */
async function prepare({ stack }: TestStack, sizeGb: number): Promise<void> {
  const clone = await createClone(stack.path('clone'), await createShop(stack))
  await finishedBuild(stack, 'main', await clone.push('main'))
  const database = await databaseContainer(stack)
  // A row with its share of the index takes about 340 bytes.
  const rows = Math.round((sizeGb * 1024 ** 3) / 340)
  await psql(
    database,
    `create table bench_bulk as select g as id, md5(g::text) as name, repeat(md5((g * 7)::text), 7) as note
     from generate_series(1, ${rows}) g; alter table bench_bulk add primary key (id); checkpoint`,
  )
  await addLevel(clone, branch, '19.0.1.1.0')
  const build = await finishedBuild(stack, branch, await clone.push(branch))
  if (build.status !== 'succeeded') throw new Error(`build ${build.number}: ${build.reason}`)
}

/** A promotion, and back again. */
async function measure(test: TestStack, timeline: boolean): Promise<Sample> {
  const { stack } = test
  const { rehearsal } = await stack.cliJson<{ rehearsal: { updateMs: number; downtimeMs: number } }>(
    'release',
    'rehearse',
    'shop',
    branch,
  )
  const promoted = await stack.cliJson<{ runId: string }>('release', 'promote', 'shop', branch, '--yes')
  const record = await recordOf(test, promoted.runId)
  const begun = Date.now()
  const back = await stack.cliJson<{ runId: string }>('rollback', 'shop', '--to', '1', '--with-data', '--yes')
  const live = await liveAt(test, back.runId)
  if (timeline)
    for (const id of [promoted.runId, back.runId]) process.stderr.write(await timelineOf(test, id))
  return {
    rollback: (live - begun) / 1_000,
    away: ((await recordOf(test, back.runId)).downtimeMs ?? 0) / 1_000,
    rehearsed: rehearsal.updateMs / 1_000,
    updated: (record.update?.durationMs ?? 0) / 1_000,
    predicted: rehearsal.downtimeMs / 1_000,
    downtime: (record.downtimeMs ?? 0) / 1_000,
  }
}

interface Recorded {
  readonly downtimeMs?: number
  readonly update?: { readonly durationMs: number }
}

async function recordOf(test: TestStack, runId: string): Promise<Recorded> {
  const [row] = await test.query<{ record: Recorded }>('select record from runs where id = $1', [runId])
  if (!row) throw new Error(`there is no run ${runId}`)
  return row.record
}

async function liveAt(test: TestStack, runId: string): Promise<number> {
  const [row] = await test.query<{ went_live_at: Date }>(
    'select went_live_at from releases where run_id = $1',
    [runId],
  )
  if (!row) throw new Error(`run ${runId} did not go live`)
  return row.went_live_at.getTime()
}

/** What one would do without snapshots: a new database from the dump, beside the old one in the same PostgreSQL. */
async function restoreFromDump(stack: Stack): Promise<number> {
  const container = await databaseContainer(stack)
  const name = `restored_${randomUUID().slice(0, 8)}`
  // The container's settings name user, database and socket; its data directory alone has room for a dump.
  const inside = (command: string) => run('docker', ['exec', container, 'sh', '-c', command])
  const dump = '/var/lib/fairway/data/bench.dump'
  await inside(`pg_dump -Fc -Z0 -f ${dump} odoo`)
  try {
    const begun = performance.now()
    await inside(`createdb ${name}`)
    await inside(`pg_restore --exit-on-error --no-owner -d ${name} ${dump}`)
    return (performance.now() - begun) / 1_000
  } finally {
    await inside(`rm -f ${dump}; dropdb --if-exists ${name}`)
  }
}

async function databaseContainer(stack: Stack): Promise<string> {
  const { cell } = await stack.cliJson<EnvironmentShown>('env', 'show', 'shop', 'production')
  const filter = ['--filter', `label=fairway.cell=${cell}`, '--filter', 'label=fairway.role=postgres']
  return (await run('docker', ['ps', '-q', ...filter])).trim()
}

const psql = (container: string, sql: string) =>
  run('docker', ['exec', container, 'psql', '-v', 'ON_ERROR_STOP=1', '-c', sql])
