import { join } from 'node:path'
import { z } from 'zod'
import { readCached, writeCached } from '../cached-json.ts'
import { createLocks } from '../cells/locks.ts'
import { type DockerHost, ifExists, pinnedReference } from '../containers/docker.ts'
import { describePostgresImage } from '../containers/postgres-image.ts'
import type { Snapshot } from '../storage/layout.ts'
import type { Pool } from '../storage/pool.ts'
import type { BaseRecord } from '../storage/records.ts'
import { type BaseRecipe, baseIdOf } from './recipe.ts'

/** A snapshot that is a base. */
export interface Base extends Snapshot {
  readonly base: BaseRecord
}

export interface AskedBase {
  readonly image: string
  /** By tag or digest. */
  readonly postgresImage: string
  readonly demo: boolean
}

const wantedSchema = z.array(
  z.object({
    image: z.string(),
    postgresImage: z.string(),
    postgresMajor: z.int(),
    demo: z.boolean(),
    /** Milliseconds since the epoch. */
    askedAt: z.number(),
  }),
)
export type WantedBase = z.infer<typeof wantedSchema>[number]

/** Of those that were asked for last. Each takes about 80 MB. */
const most = 4
const keptMs = 30 * 24 * 3_600_000

/**
 * Bases of a host: snapshots in which Odoo of a base image has installed its own module `base`, and nothing of any project was
 * ever in. Cells of all projects may begin as a copy of one. What was asked for is remembered, so that what is missing is
 * made while the host has nothing else to do (keep-bases.ts).
 */
export interface Bases {
  /** Remembers that somebody asked for it, and gives it where it is there. */
  find(asked: AskedBase, signal: AbortSignal): Promise<Base | undefined>
  /**
   * Counts as asked for what a server says that projects build on, by tag, where both images are here. With demonstration data,
   * as previews are where their projects say nothing else.
   */
  expect(
    images: { readonly odooImage: string; readonly postgresImage: string },
    signal: AbortSignal,
  ): Promise<void>
  /** What was asked for in the last 30 days and whose images are here, the last first; at most 4. */
  listWanted(): Promise<WantedBase[]>
  list(): Promise<Base[]>
  /** One that is gone is fine; cells that were made of it have all of it. */
  remove(id: string): Promise<void>
}

export function createBases(docker: DockerHost, pool: Pool, workDirectory: string): Bases {
  const file = join(workDirectory, 'bases', 'wanted.json')
  const withLock = createLocks()

  const findImage = (image: string) => ifExists(docker.docker.getImage(image).inspect())
  const isHere = async (image: string) => (await findImage(image)) !== undefined

  async function remember(recipe: BaseRecipe, signal: AbortSignal): Promise<void> {
    await withLock(file, signal, async () => {
      const id = baseIdOf(recipe)
      const others = ((await readCached(file, wantedSchema)) ?? []).filter((other) => baseIdOf(other) !== id)
      await writeCached(file, [{ ...recipe, askedAt: Date.now() }, ...others].slice(0, 4 * most))
    })
  }

  return {
    async find({ image, postgresImage, demo }, signal) {
      const { reference, major } = await describePostgresImage(docker, postgresImage, signal)
      const recipe = { image, postgresImage: reference, postgresMajor: major, demo }
      await remember(recipe, signal)
      const found = await pool.findSnapshot(baseIdOf(recipe))
      return found && isBase(found) ? found : undefined
    },
    async expect({ odooImage, postgresImage }, signal) {
      const odoo = odooImage !== '' && (await findImage(odooImage))
      if (!odoo || !(await isHere(postgresImage))) return
      const { reference, major } = await describePostgresImage(docker, postgresImage, signal)
      const image = pinnedReference(odoo, odooImage)
      if (!image.includes('@')) return
      await remember({ image, postgresImage: reference, postgresMajor: major, demo: true }, signal)
    },
    async listWanted() {
      const asked = (await readCached(file, wantedSchema)) ?? []
      const wanted: WantedBase[] = []
      for (const one of asked.filter(({ askedAt }) => askedAt > Date.now() - keptMs)) {
        if (wanted.length === most) break
        if ((await isHere(one.image)) && (await isHere(one.postgresImage))) wanted.push(one)
      }
      return wanted
    },
    list: async () => (await pool.listSnapshots()).filter(isBase),
    remove: (id) => pool.destroySnapshot(id),
  }
}

export const isBase = (snapshot: Snapshot): snapshot is Base => snapshot.base !== undefined
