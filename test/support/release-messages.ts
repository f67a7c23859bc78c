import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { ApprovalSchema } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import {
  RehearsalSchema,
  ReleaseEntrySchema,
  ReleaseImageSchema,
  ReleasePlanSchema,
  RollbackLossSchema,
  RollbackPlanSchema,
} from '../../proto/gen/fairway/v1/releases_pb.js'

// Messages about the releases of one shop, as a server answers them.

const at = (time: string) => timestampFromDate(new Date(time))
/** What the samples take for now. */
export const sampleNow = Date.parse('2026-11-26T12:00:00Z')

export const candidateDigest = `sha256:3f1c2a9e77b0${'c'.repeat(52)}`
const currentDigest = `sha256:91be04d255aa${'d'.repeat(52)}`
export const planSha256 = `5ea1${'0'.repeat(60)}`
export const runIds = {
  build: '0193c2f4-5a6b-7c8d-9e0f-0000000000b1',
  rehearsal: '0193c2f4-5a6b-7c8d-9e0f-0000000000a1',
  promotion: '0193c2f4-5a6b-7c8d-9e0f-0000000000c1',
  count: '0193c2f4-5a6b-7c8d-9e0f-0000000000d1',
}

const candidate = create(ReleaseImageSchema, {
  build: 41,
  commit: '4f2a9c1d22ee',
  digest: candidateDigest,
  runId: runIds.build,
})
const current = create(ReleaseImageSchema, { build: 38, commit: '91be7a4410ff', digest: currentDigest })

export const sampleRehearsal = (more: MessageInitShape<typeof RehearsalSchema> = {}) =>
  create(RehearsalSchema, {
    runId: runIds.rehearsal,
    planSha256,
    digest: candidateDigest,
    finishedAt: at('2026-11-26T10:00:00Z'),
    sourceTime: at('2026-11-26T09:57:00Z'),
    verdict: 'green',
    updateMs: 9_400n,
    downtimeMs: 14_200n,
    ...more,
  })

export const samplePlan = (more: MessageInitShape<typeof ReleasePlanSchema> = {}) =>
  create(ReleasePlanSchema, {
    project: 'acme',
    environment: 'production',
    branch: 'release/1.0',
    candidate,
    current,
    modules: [
      {
        name: 'acme_sale',
        action: 'update',
        why: 'content changed',
        versionBefore: '19.0.1.0.2',
        versionAfter: '19.0.1.0.3',
      },
      {
        name: 'acme_stock',
        action: 'update',
        why: 'depends on acme_sale, which changed',
        versionBefore: '19.0.1.1.0',
        versionAfter: '19.0.1.1.0',
        missingBump: true,
      },
    ],
    sha256: planSha256,
    interrupts: true,
    ...more,
  })

export const sampleApproval = (more: MessageInitShape<typeof ApprovalSchema> = {}) =>
  create(ApprovalSchema, {
    id: '1f0c2a9e-0000-7000-8000-000000000001',
    project: 'acme',
    environment: 'production',
    action: 'production-deploy',
    status: 'open',
    summary: 'Promote build 41',
    subject: '{}',
    quorum: 1,
    requestedBy: 'ana@example.com',
    createdAt: at('2026-11-26T11:00:00Z'),
    expiresAt: at('2026-11-29T11:00:00Z'),
    ...more,
  })

export const sampleEntry = (more: MessageInitShape<typeof ReleaseEntrySchema> = {}) =>
  create(ReleaseEntrySchema, {
    runId: runIds.promotion,
    kind: 'promote',
    status: RunStatus.SUCCEEDED,
    result: Result.GREEN,
    build: 41,
    commit: '4f2a9c1d22ee',
    digest: candidateDigest,
    requestedBy: 'ana@example.com',
    approvedBy: ['bo@example.com'],
    startedAt: at('2026-11-26T09:59:00Z'),
    liveAt: at('2026-11-26T10:00:00Z'),
    finishedAt: at('2026-11-26T10:00:05Z'),
    downtimeMs: 14_200n,
    ...more,
  })

export const sampleRollback = (more: MessageInitShape<typeof RollbackPlanSchema> = {}) =>
  create(RollbackPlanSchema, {
    project: 'acme',
    environment: 'production',
    current: candidate,
    target: current,
    sha256: planSha256,
    ...more,
  })

export const sampleLoss = (more: MessageInitShape<typeof RollbackLossSchema> = {}) =>
  create(RollbackLossSchema, {
    since: at('2026-11-26T08:48:00Z'),
    lastChange: at('2026-11-26T11:58:00Z'),
    changedRows: 1_204n,
    tables: [
      { table: 'sale_order', rows: 312n },
      { table: 'stock_move', rows: 892n },
    ],
    ...more,
  })
