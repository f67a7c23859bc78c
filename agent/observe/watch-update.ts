import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fromJson, type JsonValue, toJson, toJsonString } from '@bufbuild/protobuf'
import { type UpdateObservation, UpdateObservationSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { isShutdown } from '../containers/one-off.ts'
import { readIfThere, writeDurably } from '../storage/durable.ts'
import type { Cell } from '../storage/records.ts'
import { removeTree } from '../storage/tree/remove.ts'
import type { TaskContext } from '../tasks/task.ts'
import { watchLocks } from './lock-sampler.ts'
import type { UpdateTrace } from './log-issues.ts'
import { type Picture, takePicture, takeSecondPicture } from './picture.ts'
import { reportObservation } from './report.ts'

/** Watches what an update does to a cell's database. */
export interface UpdateWatch {
  /** After the update, however it went: what was seen, which is kept as the artifact observation.json as well. */
  finish(update: { trace: UpdateTrace; ranMs: number }): Promise<UpdateObservation>
  /** When nobody knows how the update ended: keeps what was seen so far. At a shutdown it goes on in the next process. */
  abandon(trace: UpdateTrace): Promise<void>
}

/**
 * Takes a picture of the database, and looks at the locks from now on. The picture is written down: an agent that is
 * killed in the middle finds it again, and says that it was away. That something could not be seen never fails the
 * update, it is told as an omission.
 *
 * @param directory of the task, made if need be, removed at the end.
 * @param running whether the update's container is there already.
 */
export async function watchUpdate(
  directory: string,
  cell: Cell,
  running: boolean,
  context: TaskContext,
): Promise<UpdateWatch> {
  const { signal } = context
  const omissions: string[] = []
  const attempt = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look()
    } catch (error) {
      signal.throwIfAborted()
      omissions.push(`${what}: ${(error as Error).message.slice(0, 200)}`)
      return undefined
    }
  }
  const file = join(directory, 'before.json')
  const written = await readIfThere(file)
  if (running || written !== undefined)
    omissions.push(`locks were not watched before ${new Date().toISOString()}, as the agent restarted`)
  const before = await attempt('the database was not looked at before the update', async () => {
    if (written !== undefined) return JSON.parse(written) as Picture
    if (running) throw new Error('it had begun already')
    return keepPicture(file, await takePicture(cell, signal))
  })
  const tables = new Set(before?.catalog.tables.map(({ name }) => name))
  const locks = watchLocks(cell, tables, signal)

  async function report(update: { trace: UpdateTrace; ranMs: number }, compare: boolean): Promise<JsonValue> {
    const { locks: seen, awayMs } = await locks.stop()
    if (awayMs > 0) omissions.push(`locks were not watched for ${awayMs} ms, as PostgreSQL did not answer`)
    const after =
      compare && before
        ? await attempt('the database was not looked at after the update', () =>
            takeSecondPicture(cell, before, signal),
          )
        : undefined
    const observation = reportObservation({
      odooMs: update.ranMs,
      locks: seen,
      trace: update.trace,
      omissions,
      ...(before && after && { pictures: { before, after, deactivatedViews: after.deactivatedViews } }),
    })
    const text = toJsonString(UpdateObservationSchema, observation, { prettySpaces: 2 })
    context.artifact('observation.json', 'application/json', new TextEncoder().encode(text))
    return toJson(UpdateObservationSchema, observation)
  }

  async function end(): Promise<void> {
    await locks.stop()
    if (!isShutdown(signal)) await removeTree(directory)
  }

  return {
    async finish(update) {
      try {
        const known = await context.once('observation', () => report(update, true))
        return fromJson(UpdateObservationSchema, known)
      } finally {
        await end()
      }
    },
    async abandon(trace) {
      try {
        if (isShutdown(signal)) return
        if (signal.aborted)
          omissions.push('the update was ended: its effect on the database was not looked at')
        await report({ trace, ranMs: 0 }, !signal.aborted)
      } finally {
        await end()
      }
    },
  }
}

async function keepPicture(file: string, picture: Picture): Promise<Picture> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeDurably(file, JSON.stringify(picture), 0o600)
  return picture
}
