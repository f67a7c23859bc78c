import { parseArgs } from 'node:util'
import { httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import { createClone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { type LoadResult, type Shot, startLoad } from '../support/load.ts'
import { createShop, finishedBuild } from '../support/shop.ts'
import { startTestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Benchmark, Row } from './bench.ts'

const perSecond = 50

interface Promotion {
  readonly seconds: number
  readonly load: LoadResult
}

/**
 * Requests lost while production goes to a new runtime and no module changes, at 50 requests a second: a push to main
 * that only changes the number of workers. Beside it the same load while nothing happens.
 */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({ args, options: { runs: { type: 'string', default: '5' } } })
    const runs = Number(values.runs)
    const test = await startTestStack('bench')
    try {
      const clone = await createClone(test.stack.path('clone'), await createShop(test.stack))
      await finishedBuild(test.stack, 'main', await clone.push('main'))
      const { url } = await test.stack.cliJson<{ url: string }>('env', 'show', 'shop', 'production')
      const shots = await shotsAt(url)
      const quiet = await idle(url, shots)
      const promotions: Promotion[] = []
      for (let round = 1; round <= runs; round++) {
        const workers = 2 + (round % 2)
        const change = (text: string) => text.replace(/workers: \d+/, `workers: ${workers}`)
        await clone.change('main', 'fairway.yaml', change, `Run ${workers} workers`)
        promotions.push(await promote(test.stack, url, shots, () => clone.push('main')))
        report(round, promotions)
      }
      return { runs, rows: rowsOf(quiet, promotions) }
    } finally {
      await test.close()
    }
  },
}

/** Pages, calls and a file, on connections that are kept and on new ones, each known by how it looks when all is well. */
async function shotsAt(url: string): Promise<Shot[]> {
  const health = (body: string) => /"status": ?"pass"/.test(body)
  const login = (body: string) => body.includes('</html>')
  const version = {
    method: 'POST',
    path: '/web/webclient/version_info',
    body: JSON.stringify({ jsonrpc: '2.0', method: 'call', params: {} }),
    headers: { 'content-type': 'application/json' },
    accept: (body: string) => body.includes('"server_version"'),
  } as const
  await waitFor('the login page', async () => (await httpRequest(url, '/web/login')).status === 200, 60_000)
  return [
    { name: 'kept get', path: '/web/health', accept: health, keepAlive: true },
    { name: 'kept post', ...version, keepAlive: true },
    { name: 'get', path: '/web/health', accept: health },
    { name: 'kept get', path: '/web/health', accept: health, keepAlive: true },
    { name: 'post', ...version },
    { name: 'page', path: '/web/login', accept: login, keepAlive: true },
  ]
}

const targetOf = (url: string) => ({
  port: Number(new URL(url).port),
  host: new URL(url).hostname,
  perSecond,
})

async function idle(url: string, shots: Shot[]): Promise<LoadResult> {
  const load = startLoad(targetOf(url), shots)
  await load.answered(10 * perSecond)
  return load.stop()
}

/** From before the push until a while after the old runtime is gone. */
async function promote(
  stack: Stack,
  url: string,
  shots: Shot[],
  push: () => Promise<string>,
): Promise<Promotion> {
  const load = startLoad(targetOf(url), shots)
  const begun = performance.now()
  const build = await finishedBuild(stack, 'main', await push())
  const seconds = (performance.now() - begun) / 1000
  await load.answered(2 * perSecond)
  const result = await load.stop()
  if (build.status !== 'succeeded') throw new Error(`build ${build.number}: ${build.reason}`)
  if (build.updatedModules.length > 0) throw new Error(`modules were updated: ${build.updatedModules.join()}`)
  return { seconds, load: result }
}

function report(round: number, promotions: Promotion[]): void {
  const last = promotions.at(-1)
  if (!last) return
  const { sent, lost } = last.load
  process.stderr.write(`  round ${round}: ${lost.length} of ${sent} lost, ${last.seconds.toFixed(1)} s\n`)
  for (const text of lost.slice(0, 10)) process.stderr.write(`    ${text}\n`)
}

function rowsOf(quiet: LoadResult, promotions: Promotion[]): Row[] {
  const share = (loads: LoadResult[]) => {
    const sent = loads.reduce((sum, { sent: each }) => sum + each, 0)
    return (100 * loads.reduce((sum, { lost }) => sum + lost.length, 0)) / sent
  }
  const [ours, peer] = [share(promotions.map(({ load }) => load)), share([quiet])]
  return [
    {
      id: 'promote',
      what: `requests lost in a promotion without module update, ${perSecond}/s`,
      ours,
      peer,
      peerName: 'nothing happens',
      unit: '%',
      ratio: ours - peer,
      goal: '0',
    },
  ]
}
