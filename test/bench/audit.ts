import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Transport } from '@connectrpc/connect'
import { exportTo } from '../../cli/audit-export.ts'
import { verifyAuditLog } from '../../cli/verify/audit-log.ts'
import { AuditService } from '../../proto/gen/fairway/v1/audit_pb.js'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { HostService } from '../../proto/gen/fairway/v1/hosts_pb.js'
import { createApp } from '../../server/app.ts'
import type { AppContext } from '../../server/context.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { startSequencer } from '../../server/evidence/audit/sequencer.ts'
import { openAuthority } from '../../server/fleet/authority.ts'
import { createToken } from '../../server/services/tokens/tokens.ts'
import setUpPostgres from '../support/global-setup.ts'
import { createOrganization, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { arrangeTenant } from '../support/tenant.ts'
import { transportTo } from './_transport.ts'
import { withoutAudit } from './_unaudited.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const calls = 400
const warmUp = 50
const events = 100_000
const verifications = 3

/** What the audit log costs a mutating call, and how long the verification of a long log takes. */
export const bench: Benchmark = {
  async run() {
    await using opened = new AsyncDisposableStack()
    opened.defer(await setUpPostgres())
    const database = await startTestDatabase()
    opened.defer(() => database.close())
    const rows = [...(await measureCalls(database)), await measureVerification(database)]
    return { runs: calls, rows }
  },
}

/**
 * The same calls to two servers on one database, in turn: one as it is, one whose transactions leave out the audit
 * event and nothing else. The sequencer works meanwhile, as it always does.
 */
async function measureCalls(database: TestDatabase): Promise<Row[]> {
  const { context } = database
  await using opened = new AsyncDisposableStack()
  const sequencer = startSequencer(context)
  opened.defer(() => sequencer.stop())
  const organizationId = await createOrganization(database, 'bench')
  const token = await createOwner(context, organizationId)
  const serve = async (served: AppContext) => {
    const stopping = new AbortController()
    const app = await createApp(served, stopping.signal)
    const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 })
    opened.defer(async () => {
      stopping.abort()
      await app.close()
    })
    return transportTo(baseUrl, token)
  }
  const audited = await serve(context)
  const unaudited = await serve({ ...context, db: { ...context.db, app: withoutAudit(context.db.app) } })
  await openAuthority(context)
  const tenant = await arrangeTenant(context, organizationId, 'shop')

  // One that changes as much as most do, and one that writes a single row: no call could be dearer to audit.
  const mutations: [what: string, call: (to: Transport, name: string) => Promise<object>][] = [
    [
      'start a build',
      (to, name) =>
        createClient(BuildService, to).startBuild({ project: tenant.project, branch: `feature/${name}` }),
    ],
    ['make a join token', (to, hostName) => createClient(HostService, to).createJoinToken({ hostName })],
  ]
  const rows: Row[] = []
  for (const [what, call] of mutations) {
    const times = { audited: [] as number[], unaudited: [] as number[] }
    for (let round = -warmUp; round < calls; round++) {
      const turns = [
        ['audited', audited],
        ['unaudited', unaudited],
      ] as const
      for (const [side, transport] of round % 2 === 0 ? turns : turns.toReversed()) {
        const ms = await timeMs(() => call(transport, `${side}-${round + warmUp}`))
        if (round >= 0) times[side].push(ms)
      }
    }
    const [ours, peer] = [median(times.audited), median(times.unaudited)]
    rows.push({
      id: 'audit',
      what: `${what}, p50 with its audit event`,
      ours,
      peer,
      peerName: 'without',
      unit: 'ms',
      ratio: ours / peer,
      goal: 'under 1.15',
    })
  }
  return rows
}

async function createOwner(context: AppContext, organizationId: string): Promise<string> {
  const { token, hash } = createToken('ft_')
  await withTenant(context.db, operation(organizationId, 'bench'), async (tx) => {
    const member = await tx
      .insertInto('members')
      .values({ organization_id: organizationId, name: 'ana', role: 'owner' })
      .returning('id')
      .executeTakeFirstOrThrow()
    await tx
      .insertInto('tokens')
      .values({ organization_id: organizationId, member_id: member.id, name: 'bench', token_hash: hash })
      .execute()
  })
  return token
}

/** Of an export as `fairway audit export` makes it; the peer reads the same bytes once and hashes them. */
async function measureVerification(database: TestDatabase): Promise<Row> {
  const { context } = database
  await using opened = new AsyncDisposableStack()
  const organizationId = await createOrganization(database, 'long')
  const token = await createOwner(context, organizationId)
  await query(
    database.ownerUrl,
    `insert into audit_events (organization_id, actor, action, subject_kind, subject_id, request_id, details)
     select $1, 'member:ana', 'build.start', 'run', gen_random_uuid()::text, gen_random_uuid()::text,
       jsonb_build_object('number', n, 'branch', 'feature/' || n, 'commit', md5(n::text), 'stage', 'development')
     from generate_series(1, ${events}) n`,
    [organizationId],
  )
  const placedMs = await timeMs(() => makeCheckpoint(context, organizationId))
  console.log(`${events} events placed in their tree and signed in ${(placedMs / 1_000).toFixed(1)} s`)

  const app = await createApp(context, new AbortController().signal)
  opened.defer(() => app.close())
  const transport = transportTo(await app.listen({ host: '127.0.0.1', port: 0 }), token)
  const directory = await mkdtemp(join(tmpdir(), 'fairway-bench-audit-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'audit.jsonl')
  const file = await open(path, 'w')
  const client = createClient(AuditService, transport)
  const exportedMs = await timeMs(() => exportTo(client, file, new AbortController().signal))
  await file.close()
  console.log(`exported in ${(exportedMs / 1_000).toFixed(1)} s`)

  const times = { ours: [] as number[], peer: [] as number[] }
  for (let round = 0; round < verifications; round++) {
    times.ours.push(
      await timeMs(async () => {
        const { faults, size } = await verifyAuditLog(path)
        if (faults.length > 0 || size !== events) throw new Error('the export does not verify')
      }),
    )
    times.peer.push(
      await timeMs(async () =>
        createHash('sha256')
          .update(await readFile(path))
          .digest(),
      ),
    )
  }
  const [ours, peer] = [median(times.ours) / 1_000, median(times.peer) / 1_000]
  return {
    id: 'audit',
    what: `verify an export of ${events} events`,
    ours,
    peer,
    peerName: 'sha256 of it',
    unit: 's',
    ratio: ours / peer,
    goal: 'under 10 s',
  }
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
