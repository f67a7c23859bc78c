import { ensureCellNetwork, removeCellNetwork } from '../containers/networks.ts'
import { createLiveDatabase } from '../containers/online-backup.ts'
import { ensurePostgres, isPostgresRunning } from '../containers/postgres.ts'
import { createPassword } from '../containers/scram.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Snapshot } from '../storage/layout.ts'
import { inheritNeutrality } from '../storage/neutrality.ts'
import type { Cell, CellRecord } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { imagesOf } from './images.ts'
import type { CellParts, CloneRequest, CloneResult, Step } from './parts.ts'
import { startCell } from './start.ts'

export async function cloneCell(parts: CellParts, request: CloneRequest, step: Step): Promise<CloneResult> {
  const { pool, withLock } = parts
  return withLock(request.id, step.signal, async () => {
    const begun = performance.now()
    const copied = (await findEarlier(parts, request)) ?? (await copy(parts, request, step))
    const copyEnd = performance.now()
    const cell = await startCell(parts, copied, step.signal)
    return {
      cell: await pool.requireCell(cell.id),
      copyMs: copyEnd - begun,
      startMs: performance.now() - copyEnd,
    }
  })
}

/** What the same task made before the agent was killed. */
async function findEarlier({ pool }: CellParts, request: CloneRequest): Promise<Cell | undefined> {
  const existing = await pool.findCell(request.id)
  if (!existing || existing.source?.id === request.from.id) return existing
  throw new TaskError('already-exists', `cell ${request.id} exists and is not a clone of ${request.from.id}`)
}

async function copy(parts: CellParts, request: CloneRequest, step: Step): Promise<Cell> {
  const { host, pool, withLock } = parts
  const { kind, id } = request.from
  // The network takes about as long to make as a snapshot.
  const network = ensureCellNetwork(host, request.id, request.environmentId)
  const content =
    kind === 'snapshot'
      ? pool.requireSnapshot(id).then((from) => {
          // Elsewhere people study what failed.
          if (request.stage === 'production') requireClean(from)
          return copyFrom(parts, request, from, false, step)
        })
      : withLock(id, step.signal, async () => {
          const from = await pool.requireCell(id)
          requireClean(from)
          const running = await isPostgresRunning(host, id)
          if (running) await ensurePostgres(host, from, step.signal)
          return copyFrom(parts, request, from, running, step)
        })
  const [copied] = await Promise.allSettled([content, network])
  if (copied.status === 'fulfilled') {
    await network
    return copied.value
  }
  await removeCellNetwork(host, request.id)
  throw copied.reason
}

async function copyFrom(
  { host, pool }: CellParts,
  request: CloneRequest,
  from: Cell | Snapshot,
  running: boolean,
  { epoch, signal }: Step,
): Promise<Cell> {
  const now = new Date().toISOString()
  const record: CellRecord = {
    version: 1,
    id: request.id,
    environmentId: request.environmentId,
    stage: request.stage,
    postgresImage: from.postgresImage,
    postgresMajor: from.postgresMajor,
    postgresUid: from.postgresUid,
    postgresGid: from.postgresGid,
    ...request.limits,
    source: { ...request.from, time: now },
    epoch,
    createdAt: now,
    sealed: false,
    neutrality: inheritNeutrality(from, request.stage),
    images: await imagesOf(host, from),
    ...(from.contents && { contents: from.contents }),
    ...(request.throwaway && { throwaway: true }),
  }
  return pool.cloneCell({
    record,
    secrets: { odooPassword: createPassword() },
    from,
    live: running && 'sealed' in from ? createLiveDatabase(from, signal) : undefined,
    signal,
  })
}
