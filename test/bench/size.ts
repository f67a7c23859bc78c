import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { openDatabases } from '../../server/db/databases.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { roleUrls } from '../../server/db/roles.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { fillHistory } from '../support/history.ts'
import { freePort, query } from '../support/postgres.ts'
import { type Filled, listsOf, type Step, stepsOf } from './_size-work.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const rounds = 15
const warmUps = 3
/** A page of builds, and as good as no history. */
const emptyRuns = 200

/**
 * What the server does all the time, on a control plane with years of history and on one that has just begun, in turn on
 * one PostgreSQL as it comes with Fairway. `--runs 1000000 --environments 5000` takes minutes to fill.
 */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        runs: { type: 'string', default: '100000' },
        environments: { type: 'string', default: '5000' },
      },
    })
    const [runs, environments] = [Number(values.runs), Number(values.environments)]
    await using open = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'fairway-bench-'))
    open.defer(() => rm(directory, { recursive: true, force: true }))
    const log = createLogger('silent')
    const settings = { dataDir: directory, port: await freePort(), password: 'bench', log }
    const postgres = await startEmbeddedPostgres(settings)
    open.defer(() => postgres.stop())
    const fill = async (name: string, size: { runs: number; environments: number }) => {
      await query(postgres.ownerUrl, `create database ${name}`)
      const url = new URL(postgres.ownerUrl)
      url.pathname = `/${name}`
      return await fillDatabase(url.href, directory, size, open)
    }
    const young = await fill('young', { runs: emptyRuns, environments: 20 })
    const old = await fill('old', { runs, environments })

    const times = new Map<string, { old: number[]; young: number[] }>()
    const timed = async (which: 'old' | 'young', filled: Filled, steps: readonly Step[], counts: boolean) => {
      for (const { what, run } of steps) {
        const startMs = performance.now()
        await run(filled)
        const tookMs = performance.now() - startMs
        if (!counts) continue
        const seen = times.get(what) ?? { old: [], young: [] }
        times.set(what, seen)
        seen[which].push(tookMs)
      }
    }
    for (let round = -warmUps; round < rounds; round++) {
      for (const list of [stepsOf(), listsOf()]) {
        await timed('young', young, list, round >= 0)
        await timed('old', old, list, round >= 0)
      }
    }
    const rows = [...times].map(([what, seen]): Row => {
      const [ours, peer] = [median(seen.old), median(seen.young)]
      const peerName = `at ${emptyRuns} runs`
      return { id: 'P16', what, ours, peer, peerName, unit: 'ms', ratio: ours / peer, goal: 'under 2' }
    })
    return { runs: rounds, rows }
  },
}

async function fillDatabase(
  ownerUrl: string,
  directory: string,
  size: { runs: number; environments: number },
  open: AsyncDisposableStack,
): Promise<Filled> {
  const passwords = { app: 'bench', scheduler: 'bench' }
  const { names } = (await migrate(ownerUrl, passwords)).roles
  const startMs = performance.now()
  const history = await fillHistory(ownerUrl, size)
  console.log(`${size.runs} runs are there after ${Math.round((performance.now() - startMs) / 1_000)} s`)
  const db = openDatabases(roleUrls(ownerUrl, names, passwords), () => undefined)
  open.defer(() => db.close())
  const signals = listenForSignals(db.listenUrl, () => undefined)
  open.defer(() => signals.close())
  const context: AppContext = {
    config: parseConfig({ FAIRWAY_DATA_DIR: directory }),
    log: createLogger('silent'),
    db,
    blobs: createFileBlobs(join(directory, randomUUID())),
    signals,
    sealer: createSealer(randomBytes(32)),
  }
  return { context, history }
}
