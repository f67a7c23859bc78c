import { freemem } from 'node:os'
import type { Logger } from '../logger.ts'
import type { Idleness } from './idleness.ts'
import { type MakingServices, makeBase } from './make-base.ts'
import { baseIdOf } from './recipe.ts'

const GIB = 1024 ** 3
/** Odoo and PostgreSQL together take less than 1 GiB for it. */
const memoryBytes = 2 * GIB
const poolBytes = 2 * GIB
/** After a failure, which says that the image can't do it. */
const againMs = 24 * 3_600_000

/**
 * While the host has nothing to do: removes bases that nobody asked for in a while or whose images are gone, and makes those
 * that were asked for and are missing. A task that comes ends it at once. Returns when the signal is aborted.
 */
export async function keepBases(
  services: MakingServices,
  idleness: Idleness,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const failedAt = new Map<string, number>()
  while (!signal.aborted) {
    const disturbed = await idleness.untilIdle(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (!disturbed) return
    const either = AbortSignal.any([disturbed, signal])
    try {
      await tendBases(services, failedAt, log, either)
    } catch (error) {
      if (!either.aborted) log.warn({ err: error }, 'the bases could not be looked after')
    }
    if (!either.aborted)
      await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }))
  }
}

/** @param failedAt when making one failed last, by its id. */
export async function tendBases(
  services: MakingServices,
  failedAt: Map<string, number>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { bases, pool } = services
  const wanted = new Map((await bases.listWanted()).map((one) => [baseIdOf(one), one]))
  const present = (await bases.list()).map(({ id }) => id)
  for (const id of present.filter((id) => !wanted.has(id))) {
    signal.throwIfAborted()
    await bases.remove(id)
    log.info({ base: id }, 'a base that nobody asks for any more is removed')
  }
  for (const [id, recipe] of wanted) {
    if (present.includes(id) || Date.now() - (failedAt.get(id) ?? 0) < againMs) continue
    signal.throwIfAborted()
    if (freemem() < memoryBytes || (await pool.usage()).freeBytes < poolBytes) continue
    const begun = performance.now()
    const { image, demo } = recipe
    try {
      const { sizeBytes } = await makeBase(services, recipe, log, signal)
      const durationMs = Math.round(performance.now() - begun)
      log.info({ base: id, image, demo, sizeBytes, durationMs }, 'a base is made')
    } catch (error) {
      signal.throwIfAborted()
      failedAt.set(id, Date.now())
      log.warn({ err: error, image, demo }, 'a base could not be made')
    }
  }
}
