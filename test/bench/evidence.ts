import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from '../../packaging/dev/command.ts'
import { createClone } from '../../packaging/dev/demo/shop-repository.ts'
import { verifyBySh } from '../support/bundles.ts'
import { createShop, finishedBuild } from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'
import { type Benchmark, median, type Row } from './bench.ts'

/**
 * `fairway evidence pull` of a real build's bundle, unpacking and verification included: for the first time, when it is
 * sealed, and again. Beside it, tar and zstd over the same files.
 */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({
      args,
      options: { runs: { type: 'string', default: '5' }, keep: { type: 'string' } },
    })
    const runs = Number(values.runs)
    const directory = await mkdtemp(join(tmpdir(), 'fairway-bench-evidence-'))
    const test = await startTestStack('bench')
    try {
      const clone = await createClone(test.stack.path('clone'), await createShop(test.stack))
      const build = await finishedBuild(test.stack, 'main', await clone.push('main'))
      const first: number[] = []
      const again: number[] = []
      const peer: number[] = []
      for (let round = 0; round < runs; round++) {
        // What the first pull kept is forgotten, so that the next one is a first one.
        await test.query('delete from evidence_bundles')
        first.push(await pull(test, build.number, join(directory, `first-${round}`)))
        again.push(await pull(test, build.number, join(directory, `again-${round}`)))
        const packed = join(directory, `${round}.tar.zst`)
        peer.push(
          await seconds(() => run('tar', ['--zstd', '-cf', packed, '-C', directory, `first-${round}`])),
        )
      }
      const verified = await seconds(async () => {
        const { code, stderr } = await verifyBySh(join(directory, 'first-0'))
        if (code !== 0) throw new Error(`verify.sh refused a real bundle: ${stderr}`)
      })
      if (values.keep) await cp(join(directory, 'first-0'), values.keep, { recursive: true })
      const row = (what: string, ours: number, goal: string): Row => ({
        id: 'evidence',
        what,
        ours,
        peer: median(peer),
        peerName: 'tar --zstd',
        unit: 's',
        ratio: ours / median(peer),
        goal,
      })
      return {
        runs,
        rows: [
          row('first pull', median(first), 'under 2 s'),
          row('pulled again', median(again), 'under 2 s'),
          row('verify.sh', verified, ''),
        ],
      }
    } finally {
      await test.close()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

const pull = ({ stack }: TestStack, build: number, target: string) =>
  seconds(() => stack.cli('evidence', 'pull', 'shop', String(build), '-o', target))

async function seconds(fn: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await fn()
  return (performance.now() - begun) / 1_000
}
