import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type {
  RehearsalSchema,
  ReleaseImageSchema,
  SchemaDifferenceSchema,
} from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { Deployment, RehearsalRecord, SchemaChangeRecord } from '../../db/record.ts'
import type { Candidate } from '../../releases/candidate.ts'
import type { Production } from '../../releases/production.ts'

/** Records of releases as messages of the public API. */
export function rehearsalMessage(
  runId: string,
  finishedAt: Date | null,
  record: RehearsalRecord,
): MessageInitShape<typeof RehearsalSchema> {
  const { update } = record
  const fresh = new Set(record.newIssues)
  return {
    runId,
    planSha256: record.planSha256,
    digest: record.digest,
    finishedAt: finishedAt ? timestampFromDate(finishedAt) : undefined,
    verdict: record.verdict,
    reasons: [...record.reasons],
    updateMs: BigInt(update?.durationMs ?? 0),
    downtimeMs: BigInt(record.downtimeMs),
    locks: update?.locks.map((lock) => ({ ...lock, heldMs: BigInt(lock.heldMs) })),
    rewrittenTables: update?.rewrittenTables.map(({ table, bytes }) => ({ table, bytes: BigInt(bytes) })),
    schema: schemaMessages(update?.schema),
    rowCounts: update?.rowCounts.map(({ table, before, after }) => ({
      table,
      before: BigInt(before),
      after: BigInt(after),
    })),
    deactivatedViews: [...(update?.deactivatedViews ?? [])],
    log: update?.issues.map(({ level, logger, sample, count, fingerprint }) => ({
      level,
      logger,
      sample,
      count,
      new: fresh.has(fingerprint),
    })),
    migrations: update?.versions.map(({ module, before, after, scripts }) => ({
      module,
      versionBefore: before,
      versionAfter: after,
      scripts: [...scripts],
    })),
    sourceTime: record.sourceTime ? timestampFromDate(new Date(record.sourceTime)) : undefined,
  }
}

export const schemaMessages = (
  changes: readonly SchemaChangeRecord[] = [],
): MessageInitShape<typeof SchemaDifferenceSchema>[] => changes.map((change) => ({ ...change }))

/** When a host last looked into production's database; undefined: nobody has. */
export const seenAtOf = ({ seen }: Pick<Production, 'seen'>) =>
  seen?.seenAt === undefined ? undefined : timestampFromDate(new Date(seen.seenAt))

export const servedImage = (deployment: Deployment): MessageInitShape<typeof ReleaseImageSchema> => ({
  build: deployment.buildNumber,
  commit: deployment.commit,
  digest: deployment.digest,
  lockSha256: deployment.lockSha256 ?? '',
  baseImage: deployment.baseImage,
  runId: deployment.runId,
})

export const candidateImage = ({
  runId,
  source,
  image,
}: Candidate): MessageInitShape<typeof ReleaseImageSchema> => ({
  build: source.buildNumber,
  commit: source.commit,
  digest: image.digest,
  lockSha256: source.lockSha256,
  baseImage: source.baseImage,
  runId,
})
