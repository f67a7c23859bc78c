import { parseArgs } from 'node:util'
import { fillHistory } from '../support/history.ts'
import { openControlPlane, startBenchPostgres } from './_control-plane.ts'
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
    const postgres = await startBenchPostgres(open)
    const fill = async (name: string, size: { runs: number; environments: number }) => {
      const url = await postgres.createDatabase(name)
      return await fillDatabase(url, postgres.directory, size, open)
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
  const { context } = await openControlPlane(ownerUrl, directory, open)
  const startMs = performance.now()
  const history = await fillHistory(ownerUrl, size)
  console.log(`${size.runs} runs are there after ${Math.round((performance.now() - startMs) / 1_000)} s`)
  return { context, history }
}
