import { DUMP, runPostgresTool } from '../containers/postgres-tool.ts'
import { prepareDumpSession } from '../database/dump-session.ts'
import { DATABASE } from '../database/names.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Dump } from '../storage/layout.ts'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { cloneCell } from './clone.ts'
import { removeContainersOfCell } from './destroy.ts'
import { requireWholeDump } from './dump-read-back.ts'
import type { CellParts, DumpRequest, LoggedStep } from './parts.ts'

/** Of the throwaway PostgreSQL: it has one session, and shares the host with production. */
const LIMITS = { memoryBytes: 512 * 1024 * 1024, milliCpus: 1000, maxProcesses: 256 }

/**
 * A throwaway cell is cloned under the dump's own id, and pg_dump runs on it: the cell itself never sees a long
 * transaction. Every attempt begins anew, since half of a dump is worth nothing.
 */
export async function dumpCell(parts: CellParts, request: DumpRequest, step: LoggedStep): Promise<Dump> {
  const { pool, withLock } = parts
  return withLock(`dump of ${request.id}`, step.signal, async () => {
    const existing = await pool.findDump(request.id)
    await destroyThrowaway(parts, request.id)
    if (existing) return requireOf(request, existing)
    const source = await pool.requireCell(request.cellId)
    requireClean(source)
    await step.requireLease()
    try {
      return await cloneAndDump(parts, request, source, step)
    } catch (error) {
      step.signal.throwIfAborted()
      throw explain(request, error as Error)
    } finally {
      // Not under the task's signal: a cancelled dump leaves nothing either.
      await destroyThrowaway(parts, request.id)
    }
  })
}

async function cloneAndDump(
  parts: CellParts,
  request: DumpRequest,
  source: Cell,
  step: LoggedStep,
): Promise<Dump> {
  const { host, pool } = parts
  const { environmentId, stage, postgresImage, postgresMajor, postgresUid, postgresGid } = source
  const { cell } = await cloneCell(
    parts,
    {
      id: request.id,
      environmentId,
      stage: 'development',
      from: { kind: 'cell', id: source.id },
      limits: LIMITS,
      throwaway: true,
    },
    step,
  )
  return pool.makeDump({
    record: {
      version: 1,
      id: request.id,
      cellId: source.id,
      environmentId,
      stage,
      postgresImage,
      postgresMajor,
      postgresUid,
      postgresGid,
      takenAt: cell.source?.time ?? cell.createdAt,
      epoch: step.epoch,
      ...(cell.neutrality && { neutrality: cell.neutrality }),
      ...(cell.images && { images: cell.images }),
      ...(cell.contents && { contents: cell.contents }),
    },
    from: cell,
    signal: step.signal,
    async fill(directory) {
      await runPostgresTool(
        host,
        {
          command: 'pg_dump',
          // Not compressed, so that a backup finds the blocks it has already. All of it is synced at once, later.
          arguments: ['--format=directory', '--compress=0', '--no-sync', `--file=${DUMP}`, DATABASE],
          cell,
          connected: await prepareDumpSession(cell, step.signal),
          directory,
          writable: true,
        },
        step,
      )
      await requireWholeDump(host, cell, directory, step)
    },
  })
}

/** Nobody but this dump ever knew of the cell: no lease is needed to take it away. */
async function destroyThrowaway(parts: CellParts, id: string): Promise<void> {
  const cell = await parts.pool.findCell(id)
  if (cell && !cell.throwaway) {
    throw new TaskError('already-exists', `${id} is a cell: a dump needs an id of its own`)
  }
  await removeContainersOfCell(parts, id)
  await parts.pool.destroyCell(id)
}

function requireOf(request: DumpRequest, dump: Dump): Dump {
  if (dump.cellId === request.cellId) return dump
  throw new TaskError('already-exists', `dump ${dump.id} exists and is not one of cell ${request.cellId}`)
}

function explain({ cellId }: DumpRequest, error: Error): TaskError {
  return new TaskError(
    'dump-failed',
    `cell ${cellId} was not dumped and nothing is kept: ${error.message.split('\n', 1)[0]}`,
    { cause: error },
  )
}
