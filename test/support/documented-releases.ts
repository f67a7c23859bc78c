import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import type { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import type { RunSchema } from '../../proto/gen/fairway/v1/runs_pb.js'

// The shop that README and docs/releases.md tell about: what a server answers about it.

type Run = MessageInitShape<typeof RunSchema>
type Answers = Partial<ServiceImpl<typeof ReleaseService>>

/** A session of a page: the command as it stands there, and what the server says to it. */
export interface DocumentedSession {
  readonly page: string
  readonly command: string
  readonly answers: Answers
  readonly runs?: readonly Run[]
  /** Typed where it asks. */
  readonly answer?: string
  /** What is shown after this text is not on the page. */
  readonly until?: string
}

const minute = 60_000
const hour = 60 * minute
const ago = (ms: number) => timestampFromDate(new Date(Date.now() - ms))
const ahead = (ms: number) => ago(-ms)

const digest = 'sha256:3d914f9348c9cc0ff8a79716700b9fcd4d2f3e711608004eb8f138bcba7f14d9'
const planSha256 = '64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525'
const promotion = '0193c2f4-5a6b-7c8d-9e0f-0000000000c1'
const candidate = { build: 41, commit: '4f2a9c1d22'.padEnd(40, '0'), digest }
const current = { build: 38, commit: '91be7a4410'.padEnd(40, '0'), digest: `sha256:${'a'.repeat(64)}` }

const rehearsal = () => ({
  planSha256,
  digest,
  verdict: 'yellow',
  reasons: ['Odoo logs a new ERROR: no default programme, cards are given none'],
  updateMs: 9_400n,
  downtimeMs: 14_200n,
  finishedAt: ago(6 * minute + 20_000),
  sourceTime: ago(9 * minute + 20_000),
  locks: [
    { table: 'sale_order', mode: 'AccessExclusiveLock', heldMs: 3_200n },
    { table: 'res_partner', mode: 'ShareRowExclusiveLock', heldMs: 410n },
  ],
  rewrittenTables: [{ table: 'sale_order', bytes: 179n * 1024n ** 2n }],
  rowCounts: [{ table: 'ir_model_fields', before: 14_204n, after: 14_219n }],
  migrations: [
    {
      module: 'acme_sale',
      versionBefore: '19.0.1.4.2',
      versionAfter: '19.0.1.5.0',
      scripts: ['pre-points.py'],
    },
  ],
  log: [
    {
      level: 'ERROR',
      logger: 'acme_loyalty',
      sample: 'no default programme, cards are given none',
      count: 1,
      new: true,
    },
    {
      level: 'WARNING',
      logger: 'odoo.modules.loading',
      sample: 'Some modules are not loaded, some dependencies may be missing',
      count: 1,
    },
  ],
})

const plan = {
  project: 'acme',
  environment: 'production',
  branch: 'release/1.0',
  candidate,
  current,
  sha256: planSha256,
  interrupts: true,
  modules: [
    { name: 'acme_loyalty', action: 'install', why: 'new', versionAfter: '19.0.1.0.0' },
    {
      name: 'acme_sale',
      action: 'update',
      why: 'content changed',
      versionBefore: '19.0.1.4.2',
      versionAfter: '19.0.1.5.0',
    },
    {
      name: 'acme_sale_stock',
      action: 'update',
      why: 'depends on acme_sale, which is updated',
      versionBefore: '19.0.1.1.0',
      versionAfter: '19.0.1.1.0',
    },
  ],
  closureAdded: ['acme_loyalty'],
  requirements: [{ kind: 'python', name: 'phonenumbers', before: '8.13.50', after: '9.0.4' }],
  schema: [
    { kind: 'column', change: 'added', table: 'sale_order', name: 'points', detail: 'integer' },
    {
      kind: 'column',
      change: 'changed',
      table: 'sale_order',
      name: 'amount_points',
      detail: 'integer → numeric',
    },
    { kind: 'table', change: 'added', table: 'acme_loyalty_card' },
    ...Array.from({ length: 7 }, (_, at) => ({
      kind: 'column',
      change: 'added',
      table: 'acme_loyalty_card',
      name: `c${at}`,
    })),
    { kind: 'index', change: 'added', table: 'acme_loyalty_card', name: 'card_code' },
  ],
}

const unrehearsed = {
  ...plan,
  hints: [
    'its release rehearses it first; to see what comes of that before anybody is asked: fairway release rehearse acme release/1.0',
    'merge release/1.0 into main afterwards: the next push of main would take back what is not in it',
  ],
}

const step = (name: string, ms: number, summary = '') => ({
  name,
  summary,
  status: RunStatus.SUCCEEDED,
  startedAt: ago(ms),
  finishedAt: ago(0),
  durationMs: BigInt(ms),
})

const ended = (more: Run): Run => ({
  status: RunStatus.SUCCEEDED,
  result: Result.YELLOW,
  startedAt: ago(48_000),
  finishedAt: ago(0),
  ...more,
})

const rehearsed: Run = ended({
  kind: 'rehearse',
  steps: [
    step('plan', 300, 'build 41, 4f2a9c1d22'),
    step(
      'rehearse',
      46_900,
      'yellow: away for about 15 s; Odoo logs a new ERROR: no default programme, cards are given none',
    ),
    step('record', 200),
  ],
})

const promoted: Run = ended({
  steps: [
    step('plan', 200, 'build 41, 4f2a9c1d22'),
    step('rehearse', 100, 'rehearsed before: yellow, away for about 15 s'),
    step('approve', 100, 'approved by omar@example.com'),
    step('database', 10_800, 'acme_loyalty installed; acme_sale updated'),
    step('deploy', 2_100, 'Odoo answered after 2 s'),
    step('smoke', 1_000, '3 of 3 checks passed'),
    step('record', 200),
  ],
})

const release = {
  runId: promotion,
  kind: 'promote',
  status: RunStatus.SUCCEEDED,
  result: Result.YELLOW,
  build: 41,
  digest,
  requestedBy: 'rita@example.com',
  approvedBy: ['omar@example.com'],
  downtimeMs: 14_200n,
}

const history = () => [
  { ...release, liveAt: ago(2 * hour + minute), current: true },
  {
    ...release,
    runId: '0193bd02-91aa-7d10-8c4e-55d0b1a0f9e2',
    build: 40,
    digest: `sha256:77a0c41be6d2${'0'.repeat(52)}`,
    status: RunStatus.FAILED,
    result: Result.RED,
    reason: 'column points of relation sale_order contains null values',
    putBack: true,
    downtimeMs: 0n,
    finishedAt: ago(30 * hour),
  },
  {
    ...release,
    runId: '01939f41-22c8-7be3-a1f7-0c1d2e3f4a5b',
    kind: 'deploy',
    build: 38,
    digest: `sha256:aea92132c4cb${'0'.repeat(52)}`,
    result: Result.GREEN,
    requestedBy: 'dana@example.com',
    downtimeMs: 0n,
    liveAt: ago(14 * 24 * hour + hour),
    codeKept: true,
  },
]

const approval = () => ({
  id: '1f0c2a9e-0000-4000-8000-000000000001',
  project: 'acme',
  environment: 'production',
  action: 'production-deploy',
  status: 'open',
  summary: 'Deploy build 41',
  subject: '{}',
  quorum: 1,
  requestedBy: 'rita@example.com',
  createdAt: ago(0),
  expiresAt: ahead(72 * hour),
})

const since = () => ago(3 * hour + 12 * minute + 20_000)
const back = {
  project: 'acme',
  environment: 'production',
  current: candidate,
  target: current,
  sha256: planSha256,
}
const failedSnapshot = '0193bd03-6b1e-7f44-9d55-8a7f2c3e1d00'

const page = 'docs/releases.md'
const rehearse = {
  answers: { getRehearsal: () => ({ rehearsal: rehearsal() }), planRelease: () => ({ plan }) },
  runs: [rehearsed],
}

const ofFailedPromotion = {
  runId: promotion,
  kind: 'promote',
  build: 43,
  status: RunStatus.FAILED,
  sizeBytes: 1_932_735_283n,
  servedBuild: 41,
}

export const documentedReleases: readonly DocumentedSession[] = [
  { page: 'README.md', command: 'fairway release rehearse acme', ...rehearse },
  {
    page,
    command: 'fairway release plan acme release/1.0',
    answers: { planRelease: () => ({ plan: unrehearsed }) },
  },
  { page, command: 'fairway release rehearse acme release/1.0', ...rehearse },
  {
    page,
    command: 'fairway release request acme release/1.0 --note "loyalty cards, ticket 812"',
    answers: {
      planRelease: () => ({ plan: { ...plan, rehearsal: rehearsal() } }),
      requestRelease: () => ({ approval: approval() }),
    },
  },
  {
    page,
    command: 'fairway release promote acme release/1.0',
    answers: {
      planRelease: () => ({ plan: { ...plan, rehearsal: rehearsal() } }),
      promoteRelease: () => ({ runId: promotion }),
      listReleases: () => ({ releases: history() }),
    },
    runs: [promoted],
    answer: 'y',
  },
  {
    page,
    command: 'fairway release history acme',
    answers: { listReleases: () => ({ releases: history() }) },
  },
  {
    page,
    command: 'fairway release promote acme release/1.1',
    answers: {
      planRelease: () => ({ plan: { ...plan, branch: 'release/1.1' } }),
      promoteRelease: () => ({ runId: promotion }),
      listReleases: () => ({
        releases: [
          {
            ...release,
            putBack: true,
            downtimeMs: 0n,
            failedSnapshotId: failedSnapshot,
            failedSnapshotUntil: ahead(72 * hour),
          },
        ],
      }),
    },
    runs: [
      {
        status: RunStatus.FAILED,
        result: Result.RED,
        reason: 'column points of relation sale_order contains null values',
      },
    ],
    answer: 'y',
  },
  {
    page,
    command: 'fairway rollback acme',
    answers: {
      planRollback: () => ({
        plan: {
          ...back,
          target: undefined,
          refusal: 'release 7 (build 41) changed the schema (column sale_order.points added)',
        },
      }),
    },
  },
  {
    page,
    command: 'fairway rollback acme --with-data',
    answers: {
      planRollback: () => ({ plan: { ...back, withData: true, dataFrom: since() } }),
      getRollbackLoss: () => ({
        loss: {
          since: since(),
          changedRows: 1_204n,
          tables: [
            { table: 'sale_order', rows: 312n },
            { table: 'stock_move', rows: 892n },
          ],
        },
      }),
    },
    runs: [{ status: RunStatus.SUCCEEDED, result: Result.GREEN }],
    until: '[y/N]',
  },
  {
    page,
    command: 'fairway run list --stuck',
    answers: {},
    runs: [
      {
        id: promotion,
        status: RunStatus.RUNNING,
        createdAt: ago(6 * minute),
        reason: 'putting things back fails at restoreCell since 18:02 UTC: no room in the pool',
        trouble: { kind: 'putting-back', task: 'restoreCell', step: 'database', attempts: 4 },
      },
    ],
  },
  {
    page,
    command: 'fairway snapshot list acme',
    answers: {
      listSnapshots: () => ({
        snapshots: [
          {
            ...ofFailedPromotion,
            id: failedSnapshot,
            purpose: 'failed',
            takenAt: ago(12 * minute),
          },
          {
            ...ofFailedPromotion,
            id: '0193bcf1-2c3d-7e4f-8a5b-0000000000d1',
            purpose: 'safety',
            takenAt: ago(15 * minute),
          },
          {
            id: '01938a70-2c3d-7e4f-8a5b-0000000000d2',
            purpose: 'safety',
            takenAt: ago(48 * hour),
            sizeBytes: 1_825_361_101n,
            kind: 'promote',
            runId: '01938a6f-2c3d-7e4f-8a5b-0000000000d3',
            release: 7,
            build: 41,
            status: RunStatus.SUCCEEDED,
            servedBuild: 38,
          },
        ],
      }),
    },
  },
]
