import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type BenchPostgres, startBenchPostgres } from './_control-plane.ts'
import { type OpenQueue, openGraphile, openOurs, openPgBoss, type Queue } from './_queues.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const warmUps = 20
/** Not at the same moment of any queue's own rhythm. */
const betweenMs = () => 20 + 30 * Math.random()

/**
 * How long after its commit a handler begins with a job (P5), how many jobs a second go through (P6), and what is left of
 * that when somebody holds a snapshot for `--hold` seconds meanwhile, which keeps dead rows from being removed.
 * graphile-worker's handler is in the process that queued; ours is an agent, behind mutual TLS and a journal on disk.
 */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        runs: { type: 'string', default: '200' },
        jobs: { type: 'string', default: '2000' },
        hold: { type: 'string', default: '180' },
      },
    })
    const [runs, jobs, holdMs] = [Number(values.runs), Number(values.jobs), Number(values.hold) * 1_000]
    await using open = new AsyncDisposableStack()
    const postgres = await startBenchPostgres(open)
    const measured = async (openQueue: OpenQueue, throughput: boolean) => {
      await using queue = await use(postgres, openQueue)
      const latencyMs = await queue.latencies(runs)
      console.log(`${queue.name}: p50 ${median(latencyMs).toFixed(1)} ms`)
      if (!throughput) return { latencyMs, free: Number.NaN, held: Number.NaN }
      const free = median([
        await queue.perSecond(jobs),
        await queue.perSecond(jobs),
        await queue.perSecond(jobs),
      ])
      const held = await queue.perSecondHeld(jobs, holdMs)
      console.log(
        `${queue.name}: ${free.toFixed(0)} a second, ${held.toFixed(0)} at the end of a held snapshot`,
      )
      return { latencyMs, free, held }
    }
    const boss = await measured(openPgBoss, false)
    const graphile = await measured(openGraphile, true)
    const ours = await measured(openOurs, true)

    const latency = (of: { latencyMs: number[] }, peerName: string): Row => {
      const [own, peer] = [median(ours.latencyMs), median(of.latencyMs)]
      const what = 'durable enqueue → handler starts, p50'
      return { id: 'P5', what, ours: own, peer, peerName, unit: 'ms', ratio: own / peer, goal: '≤ 0.5' }
    }
    const lost = ({ free, held }: { free: number; held: number }) => 100 * (1 - held / free)
    return {
      runs,
      rows: [
        latency(graphile, 'graphile-worker'),
        latency(boss, 'pg-boss'),
        {
          id: 'P6',
          what: `${jobs} jobs through, recorded as done`,
          ours: ours.free,
          peer: graphile.free,
          peerName: 'graphile-worker',
          unit: '1/s',
          ratio: ours.free / graphile.free,
          goal: '≥ 0.8',
        },
        {
          id: 'P6 held',
          what: `lost at the end of a snapshot held for ${values.hold} s`,
          ours: lost(ours),
          peer: lost(graphile),
          peerName: 'graphile-worker',
          unit: '%',
          ratio: ours.held / graphile.held,
          goal: '≤ 10 %',
        },
      ],
    }
  },
}

async function use(postgres: BenchPostgres, openQueue: OpenQueue) {
  const open = new AsyncDisposableStack()
  const started = new Map<number, (atMs: number) => void>()
  const queue: Queue = await openQueue(postgres, (index) => started.get(index)?.(performance.now()), open)
  let next = 0

  const one = async (): Promise<number> => {
    const index = next++
    const start = Promise.withResolvers<number>()
    started.set(index, start.resolve)
    await queue.add(index)
    const committedMs = performance.now()
    // A handler may begin before whoever queued hears of the commit.
    return Math.max(0, (await start.promise) - committedMs)
  }
  const drained = async () => {
    while ((await queue.countLeft()) > 0) await pause(5)
  }
  const perSecond = async (jobs: number): Promise<number> => {
    await drained()
    const startMs = performance.now()
    await queue.addMany(next, jobs)
    next += jobs
    await drained()
    return (1_000 * jobs) / (performance.now() - startMs)
  }
  return {
    name: queue.name,
    perSecond,
    async latencies(count: number): Promise<number[]> {
      const seen: number[] = []
      for (let n = -warmUps; n < count; n++) {
        const tookMs = await one()
        if (n >= 0) seen.push(tookMs)
        await pause(betweenMs())
      }
      return seen
    },
    /** Of the last round, under load since the snapshot was taken. */
    async perSecondHeld(jobs: number, holdMs: number): Promise<number> {
      const client = await queue.connect()
      await client.query('begin isolation level repeatable read')
      await client.query('select count(*) from pg_class')
      const endMs = performance.now() + holdMs
      let last = Number.NaN
      while (performance.now() < endMs) last = await perSecond(jobs)
      await client.query('rollback')
      return last
    },
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  }
}
