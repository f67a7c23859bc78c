import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Transport } from '@connectrpc/connect'
import { AuditService } from '../../proto/gen/fairway/v1/audit_pb.js'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { EnvironmentService } from '../../proto/gen/fairway/v1/environments_pb.js'
import { createApp } from '../../server/app.ts'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import { type Databases, openDatabases } from '../../server/db/databases.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { roleUrls } from '../../server/db/roles.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { freePort, query } from '../support/postgres.ts'
import { Confined } from './_confined.ts'
import { type Filled, fillOrganizations } from './_organizations.ts'
import { transportTo } from './_transport.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const rounds = 7
/** Of each call, ours and the peer's in turn; a round's figure is their median. */
const callsInRound = 60

/**
 * What row-level security costs a list call at 100,000 runs: the RPC on a server as it is, and on one whose role bypasses
 * the policies and which names organization and projects in each statement itself, as a careful program would.
 */
export const bench: Benchmark = {
  async run() {
    const directory = await mkdtemp(join(tmpdir(), 'fairway-bench-'))
    const postgres = await startEmbeddedPostgres({
      dataDir: directory,
      port: await freePort(),
      password: 'bench',
      log: createLogger('silent'),
    })
    const passwords = { app: 'bench', scheduler: 'bench' }
    await using open = new AsyncDisposableStack()
    open.defer(() => rm(directory, { recursive: true, force: true }))
    open.defer(() => postgres.stop())
    const { names } = (await migrate(postgres.ownerUrl, passwords)).roles
    const filled = await fillOrganizations(postgres.ownerUrl)
    await query(
      postgres.ownerUrl,
      `create role bench_bypass login bypassrls password 'bench' in role ${names.app}, ${names.scheduler}`,
    )

    const urls = roleUrls(postgres.ownerUrl, names, passwords)
    const bypass = urls.app.replace(names.app, 'bench_bypass')
    const bound = openDatabases(urls, () => undefined)
    const free = openDatabases({ app: bypass, scheduler: bypass, listen: urls.app }, () => undefined)
    for (const databases of [bound, free]) open.defer(() => databases.close())

    const rows: Row[] = []
    for (const viewer of filled.viewers) {
      const confined = {
        ...free,
        app: free.app.withPlugin(new Confined(filled.organizationId, viewer.projects)),
      }
      await using servers = new AsyncDisposableStack()
      const serve = async (databases: Databases) => {
        const server = await startServer(databases, directory)
        servers.defer(() => server.close())
        return transportTo(server.url, viewer.token)
      }
      const [ours, peer] = [await serve(bound), await serve(confined)]
      for (const call of listCalls(filled)) {
        const what = `${call.what}, ${viewer.who}`
        rows.push(
          await compare(
            what,
            () => call.run(ours),
            () => call.run(peer),
          ),
        )
      }
    }
    return { runs: rounds, rows }
  },
}

interface ListCall {
  readonly what: string
  run(transport: Transport): Promise<object>
}

const listCalls = ({ project }: Filled): ListCall[] => [
  { what: 'newest 50 builds', run: (to) => createClient(BuildService, to).listBuilds({}) },
  { what: 'newest 50 of a project', run: (to) => createClient(BuildService, to).listBuilds({ project }) },
  {
    what: 'environments of a project',
    run: (to) => createClient(EnvironmentService, to).listEnvironments({ project }),
  },
  {
    what: 'audit events of a project',
    run: (to) => createClient(AuditService, to).listAuditEvents({ project }),
  },
]

async function startServer(db: Databases, dataDir: string) {
  const stopping = new AbortController()
  const signals = listenForSignals(db.listenUrl, () => undefined)
  const app = await createApp(
    {
      config: parseConfig({ FAIRWAY_DATA_DIR: dataDir }),
      log: createLogger('silent'),
      db,
      blobs: createFileBlobs(join(dataDir, 'blobs')),
      signals,
      sealer: createSealer(randomBytes(32)),
    },
    stopping.signal,
  )
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    async close() {
      stopping.abort()
      await app.close()
      await signals.close()
    },
  }
}

type Call = () => Promise<object>

async function compare(what: string, ours: Call, peer: Call): Promise<Row> {
  const [seen, expected] = [JSON.stringify(await ours(), bigints), JSON.stringify(await peer(), bigints)]
  if (seen !== expected || seen.length < 1_000) {
    throw new Error(`${what}: ${seen.length} bytes under the policies are not the ${expected.length} without`)
  }
  const medians = { ours: [] as number[], peer: [] as number[] }
  // The first round only warms both up.
  for (let round = 0; round <= rounds; round++) {
    const times = { ours: [] as number[], peer: [] as number[] }
    for (let call = 0; call < callsInRound; call++) {
      // Whoever goes second finds caches warm: they take turns.
      for (const which of call % 2 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
        times[which].push(await timeMs(which === 'ours' ? ours : peer))
      }
    }
    if (round === 0) continue
    medians.ours.push(median(times.ours))
    medians.peer.push(median(times.peer))
  }
  const [mine, theirs] = [median(medians.ours), median(medians.peer)]
  return {
    id: 'rls',
    what,
    ours: mine,
    peer: theirs,
    peerName: 'without policies',
    unit: 'ms',
    ratio: mine / theirs,
    goal: 'under 1.10',
  }
}

const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

async function timeMs(call: Call): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}
