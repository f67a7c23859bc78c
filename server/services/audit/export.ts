import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { LeavesLost } from '../../blobs/checkpoints.ts'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { listVerifierKeys, makeCheckpoint } from '../../evidence/audit/checkpoints.ts'
import { auditRows, leafOf } from '../../evidence/audit/leaf.ts'
import { readOrganization } from '../../evidence/audit/place.ts'
import { publishCheckpoint } from '../../evidence/audit/publish.ts'
import { readSize } from '../../evidence/audit/stored-tree.ts'
import { originOf } from '../../evidence/notes.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'

const batchEvents = 1_000
const batchHashes = 1_000
const chunkBytes = 256 * 1024

/**
 * The whole audit log as lines of canonical JSON (docs/audit.md describes them), in chunks: what was written, what was
 * signed, and what blob storage kept of it. Whatever happened to the database, it is exported as it is: finding the
 * fault is the verifier's. Throws `permission-denied`, `audit-not-whole`.
 */
export async function* exportAudit(
  context: AppContext,
  caller: Caller,
  abort: AbortSignal,
): AsyncGenerator<Buffer> {
  const { access } = caller
  if (access.projects !== 'all' && access.role !== 'member') {
    throw new DomainError(
      'forbidden',
      'audit-not-whole',
      'This token is confined to a project, and only the whole log can be verified: use one that is not.',
    )
  }
  await withTenant(context.db, caller, (tx) => authorize(tx, caller, 'audit.read'))
  const isSigned = await sign(context, caller)
  const hash = createHash('sha256')
  let chunk: string[] = []
  let bytes = 0
  for await (const line of lines(context, caller, isSigned)) {
    if (abort.aborted) return
    hash.update(line)
    chunk.push(line)
    bytes += line.length
    if (bytes < chunkBytes) continue
    yield Buffer.from(chunk.join(''))
    chunk = []
    bytes = 0
  }
  chunk.push(`${canonicalize({ end: { sha256: hash.digest('hex') } })}\n`)
  yield Buffer.from(chunk.join(''))
}

/** So that the newest event is covered; a tree that can no longer be signed is exported all the same. */
async function sign(context: AppContext, { organizationId }: Caller): Promise<boolean> {
  try {
    await makeCheckpoint(context, organizationId)
    await publishCheckpoint(context, organizationId)
    return true
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    context.log.error(
      { err: error, tenant: organizationId },
      'an audit log is exported that cannot be signed',
    )
    return false
  }
}

async function* lines(context: AppContext, caller: Caller, isSigned: boolean): AsyncGenerator<string> {
  const read = <T>(work: (tx: Tx) => Promise<T>) => withTenant(context.db, caller, work)
  // In this order each is at most as long as the next, whatever is signed meanwhile; where it is not, somebody cut.
  const { checkpoints } = context.blobs
  const kept = await checkpoints.list(caller.organizationId)
  const signed = await read((tx) =>
    tx.selectFrom('audit_checkpoints').select(['size', 'note']).orderBy('size').execute(),
  )
  const head = await read(async (tx) => ({
    organization: await readOrganization(tx),
    placed: await readSize(tx),
    keys: await listVerifierKeys(tx),
  }))
  const { organization, placed, keys } = head
  const covered = signed.at(-1)?.size ?? 0
  const size = isSigned && covered <= placed ? covered : placed
  yield line({ fairway: 'audit', version: 1, organization, origin: originOf(organization), size })
  for (const { verifierKey, validFrom, validUntil } of keys) {
    yield line({
      key: verifierKey,
      validFrom: validFrom.toISOString(),
      validUntil: validUntil?.toISOString(),
    })
  }
  for (let last = -1; ; ) {
    const rows = await read((tx) => readEvents(tx, organization, last, size))
    yield* rows.map((row) => row.line)
    if (rows.length < batchEvents) break
    last = rows.at(-1)!.index
  }
  for (const checkpoint of signed) yield line({ checkpoint, from: 'database' })
  for (const { size, note } of kept) yield line({ checkpoint: { size, note }, from: 'blobs' })
  const keptSize = kept.at(-1)?.size ?? 0
  for (let start = 0; start < keptSize; start += batchHashes) {
    const count = Math.min(batchHashes, keptSize - start)
    const leaves = await checkpoints
      .readLeaves(caller.organizationId, start, count)
      .catch((error: unknown) => {
        if (!(error instanceof LeavesLost)) throw error
        context.log.error(
          { err: error, tenant: caller.organizationId },
          'an audit log is exported without all leaves',
        )
        return undefined
      })
    if (!leaves) return
    yield line({ leaves: leaves.map((leaf) => leaf.toString('hex')), start, from: 'blobs' })
  }
}

async function readEvents(tx: Tx, organization: string, after: number, size: number) {
  const leaves = await tx
    .selectFrom('audit_leaves')
    .select(['index', 'event_id', 'leaf_hash'])
    .where('index', '>', after)
    .where('index', '<', size)
    .orderBy('index')
    .limit(batchEvents)
    .execute()
  if (leaves.length === 0) return []
  const events = await auditRows(tx)
    .where(
      'audit_events.id',
      'in',
      leaves.map(({ event_id }) => event_id),
    )
    .execute()
  const byId = new Map(events.map((event) => [event.id, event]))
  return leaves.map(({ index, event_id, leaf_hash }) => {
    const event = byId.get(event_id)
    // The leaf is canonical JSON itself, and so the line is too.
    const leaf = event ? leafOf(organization, event) : 'null'
    return { index, line: `{"event":${leaf},"index":${index},"leafHash":"${leaf_hash.toString('hex')}"}\n` }
  })
}

const line = (value: Record<string, unknown>): string => `${canonicalize(value)}\n`
