import type Docker from 'dockerode'
import { type ContainerRole, listContainers } from '../containers/docker.ts'
import { createLiveDatabase } from '../containers/online-backup.ts'
import { ensurePostgres, isPostgresRunning, stopPostgres } from '../containers/postgres.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Snapshot } from '../storage/layout.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { imagesOf } from './images.ts'
import type { CellParts, SnapshotRequest, Step } from './parts.ts'

export async function snapshotCell(
  parts: CellParts,
  request: SnapshotRequest,
  step: Step,
): Promise<Snapshot> {
  const { host, pool, withLock } = parts
  const { signal } = step
  return withLock(request.cellId, signal, async () => {
    const cell = await pool.requireCell(request.cellId)
    const existing = await pool.findSnapshot(request.id)
    if (existing) {
      if (existing.cellId !== cell.id) {
        throw new TaskError(
          'already-exists',
          `snapshot ${request.id} exists and is not one of cell ${cell.id}`,
        )
      }
      // The agent may have been killed between taking it and starting PostgreSQL again.
      if (existing.quiesced) await ensurePostgres(host, cell, signal)
      return existing
    }
    // What failed is kept as it is, for people to study.
    if (request.purpose !== 'failed') requireClean(cell)
    const running = await isPostgresRunning(host, cell.id)
    if (running) await ensurePostgres(host, cell, signal)
    const shutDown = running && request.quiesce && !(await isInUse(parts, cell.id))
    if (!shutDown) return take(parts, request, cell, running, step)
    await step.requireLease()
    await stopPostgres(host, cell.id)
    try {
      return await take(parts, request, cell, false, step)
    } finally {
      await ensurePostgres(host, cell, signal)
    }
  })
}

const atRest = ['created', 'exited', 'dead']

/** True while a container other than its PostgreSQL uses the cell, or Docker is about to start it again. */
export async function isInUse(
  { host }: CellParts,
  cellId: string,
  besides: readonly ContainerRole[] = ['postgres'],
): Promise<boolean> {
  const containers = await listContainers(host, { cell: cellId })
  const isBeside = ({ Labels }: Docker.ContainerInfo) =>
    besides.some((role) => role === Labels['fairway.role'])
  return containers.some((container) => !atRest.includes(container.State) && !isBeside(container))
}

async function take(
  { host, pool }: CellParts,
  request: SnapshotRequest,
  cell: Cell,
  running: boolean,
  { epoch, signal }: Step,
): Promise<Snapshot> {
  const { environmentId, stage, postgresImage, postgresMajor, postgresUid, postgresGid, memoryBytes } = cell
  const { by: _, ...neutrality } = neutralityOf(cell)
  return pool.snapshotCell({
    record: {
      version: 1,
      id: request.id,
      cellId: cell.id,
      environmentId,
      stage,
      postgresImage,
      postgresMajor,
      postgresUid,
      postgresGid,
      memoryBytes,
      purpose: request.purpose,
      quiesced: !running,
      epoch,
      neutrality,
      images: await imagesOf(host, cell),
      ...(request.base && { base: request.base }),
      ...(cell.contents && { contents: cell.contents }),
      ...(cell.dirty && { dirty: cell.dirty }),
    },
    from: cell,
    live: running ? createLiveDatabase(cell, signal) : undefined,
    signal,
  })
}
