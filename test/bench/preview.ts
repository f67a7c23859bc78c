import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { run } from '../../packaging/dev/command.ts'
import { httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import { type Clone, createClone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { type BuildShown, createShop, finishedBuild } from '../support/shop.ts'
import { startTestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const branch = 'feature/bench'
const images = { postgres: '127.0.0.1:5000/fairway/postgres:18', odoo: '127.0.0.1:5000/fairway/odoo:19.0' }
const modules = ['partner_loyalty', 'partner_loyalty_discount']

interface Measured {
  readonly seconds: number
  readonly steps: Readonly<Record<string, number>>
}

/** P4: push → login page served, with nothing and with one module changed, against `odoo -i` from scratch. */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        runs: { type: 'string', default: '5' },
        'without-base': { type: 'boolean', default: false },
      },
    })
    const runs = Number(values.runs)
    const idleSeconds = values['without-base'] ? '0' : '1'
    const test = await startTestStack('bench', { env: { FAIRWAY_BASE_IDLE_SECONDS: idleSeconds } })
    try {
      if (!values['without-base']) await baseMade(test.stack)
      const clone = await createClone(test.stack.path('clone'), await createShop(test.stack))
      // 72 modules in all, as in a company that sells and keeps stock.
      const apps = '["contacts", "crm", "sale_management", "stock", "account"]'
      const manifest = 'partner_loyalty/__manifest__.py'
      await clone.change(branch, manifest, (text) => text.replace('["contacts"]', apps), 'Depend on apps')
      // The first preview of a project prepares what later ones start from.
      const first = await pushed(test.stack, clone, 'README.md', 'first')
      process.stderr.write(`  first preview ${first.seconds.toFixed(1)} s: ${JSON.stringify(first.steps)}\n`)
      const samples = { unchanged: [] as Measured[], changed: [] as Measured[], scratch: [] as number[] }
      for (let round = 1; round <= runs; round++) {
        samples.unchanged.push(await pushed(test.stack, clone, 'README.md', `nothing changed ${round}`))
        const module = 'partner_loyalty/models/res_partner.py'
        samples.changed.push(await pushed(test.stack, clone, module, `one module changed ${round}`))
        samples.scratch.push(await scratch(clone.directory))
        report(round, samples)
      }
      return { runs, rows: rowsOf(first, samples) }
    } finally {
      await test.close()
    }
  },
}

function rowsOf(
  first: Measured,
  samples: { unchanged: Measured[]; changed: Measured[]; scratch: number[] },
): Row[] {
  const peer = median(samples.scratch)
  const row = (id: string, what: string, ours: number, goal: string): Row => ({
    id,
    what,
    ours,
    peer,
    peerName: 'odoo -i from scratch',
    unit: 's',
    ratio: ours / peer,
    goal,
  })
  const seconds = (measured: Measured[]) => median(measured.map((one) => one.seconds))
  const steps = (measured: Measured[], name: string) =>
    Object.keys(measured[0]?.steps ?? {}).map((step) =>
      row('P4', `${name}: ${step}`, median(measured.map((one) => (one.steps[step] ?? 0) / 1000)), ''),
    )
  return [
    row('P4', 'push → preview, nothing changed', seconds(samples.unchanged), '≤ 0.1'),
    ...steps(samples.unchanged, 'nothing changed'),
    row('P4', 'push → preview, one module changed', seconds(samples.changed), '≤ 0.3'),
    ...steps(samples.changed, 'one module changed'),
    row('P14', 'push → first preview of a project (once)', first.seconds, 'under 60 s'),
    ...Object.entries(first.steps).map(([step, ms]) => row('P14', `first preview: ${step}`, ms / 1000, '')),
  ]
}

/** A host that has done nothing for a while has one. */
async function baseMade(stack: Stack): Promise<void> {
  const isMade = async () => {
    const { pools } = await stack.cliJson<{ pools: { bases: object[] }[] }>('host', 'show', 'local')
    return pools.some(({ bases }) => bases.length > 0)
  }
  await waitFor('a base', isMade, 300_000)
}

/** From the start of `git push` to the moment the route led to the new preview, whose login page is then asked for. */
async function pushed(stack: Stack, clone: Clone, file: string, change: string): Promise<Measured> {
  await clone.change(branch, file, (text) => `${text}# ${change}\n`, change)
  const startedAt = Date.now()
  const commit = await clone.push(branch)
  const build = await finishedBuild(stack, branch, commit)
  const last = build.steps.find(({ name }) => name === 'smoke')
  if (build.status !== 'succeeded' || !last) throw new Error(`build ${build.number}: ${build.reason}`)
  await served(await urlOf(stack))
  const seconds = (Date.parse(last.startedAt) + last.durationMs - startedAt) / 1000
  return { seconds, steps: Object.fromEntries(build.steps.map(stepOf)) }
}

const stepOf = ({ name, durationMs }: BuildShown['steps'][number]) => [name, durationMs] as const
const urlOf = async (stack: Stack) =>
  (await stack.cliJson<{ url: string }>('env', 'show', 'shop', branch)).url

async function served(url: string): Promise<void> {
  await waitFor(
    `a login page on ${url}`,
    async () => {
      const answer = await httpRequest(url, '/web/login').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') return undefined
        throw error
      })
      return answer?.status === 200
    },
    60_000,
  )
}

/** What one would do by hand: a new PostgreSQL, the modules installed with demo data and tests, Odoo started. */
async function scratch(addons: string): Promise<number> {
  const id = `fairway-bench-${randomUUID().slice(0, 8)}`
  const docker = (...args: string[]) => run('docker', args)
  const database = [
    '--network',
    id,
    '--env',
    'PGHOST=db',
    '--env',
    'PGUSER=odoo',
    '--env',
    'PGPASSWORD=bench',
  ]
  const odoo = [...database, '--volume', `${addons}:/mnt/extra-addons:ro`]
  const install = ['-d', 'bench', '-i', modules.join(','), '--with-demo', '--stop-after-init', '--no-http']
  const tests = ['--test-tags', modules.map((name) => `/${name}`).join(',')]
  const startedAt = performance.now()
  try {
    await docker('network', 'create', id)
    const postgres = [
      '--env',
      'POSTGRES_USER=odoo',
      '--env',
      'POSTGRES_PASSWORD=bench',
      '--env',
      'POSTGRES_DB=postgres',
    ]
    await docker(
      'run',
      '-d',
      '--name',
      `${id}-db`,
      '--network',
      id,
      '--network-alias',
      'db',
      ...postgres,
      images.postgres,
    )
    await docker('run', '--rm', '--name', `${id}-init`, ...odoo, images.odoo, 'odoo', ...install, ...tests)
    await docker(
      'run',
      '-d',
      '--name',
      `${id}-odoo`,
      ...odoo,
      '--publish',
      '127.0.0.1::8069',
      images.odoo,
      'odoo',
      '-d',
      'bench',
    )
    const port = (await docker('port', `${id}-odoo`, '8069/tcp')).trim().split(':').at(-1)
    await served(`http://127.0.0.1:${port}`)
    return (performance.now() - startedAt) / 1000
  } finally {
    await docker('rm', '--force', '--volumes', `${id}-odoo`, `${id}-init`, `${id}-db`)
    await docker('network', 'rm', id)
  }
}

function report(
  round: number,
  samples: { unchanged: Measured[]; changed: Measured[]; scratch: number[] },
): void {
  const last = (values: number[]) => `${values.at(-1)?.toFixed(1)} s`
  const text = [
    `unchanged ${last(samples.unchanged.map((one) => one.seconds))}`,
    `one module changed ${last(samples.changed.map((one) => one.seconds))}`,
    `scratch ${last(samples.scratch)}`,
  ]
  process.stderr.write(`  round ${round}: ${text.join(', ')}\n`)
}
