import { sql } from 'kysely'
import { listBuilders } from '../db/image-builders.ts'
import type { Reproduction } from '../db/record.ts'
import type { Tx } from '../db/tenancy.ts'
import { recordColumns, viewOf } from '../operations/kinds.ts'

/**
 * That a host came to this digest which did not build the image, where it is on record: it built the image to compare,
 * or for a build of its own from nothing that others left in the registry.
 */
export async function findReproduction(
  tx: Tx,
  projectId: string,
  digest: string,
): Promise<Reproduction | undefined> {
  const wanted = JSON.stringify({ reproductions: [{ digest }] })
  const row = await tx
    .selectFrom('runs')
    .select(recordColumns)
    .where('project_id', '=', projectId)
    .where(sql<boolean>`record ? 'reproductions' and record @> ${wanted}::jsonb`)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst()
  const known = row && viewOf(row, ['reproductions']).reproductions?.find((one) => one.digest === digest)
  if (known) return known
  const builders = await listBuilders(tx, projectId, digest)
  const second = builders.find(
    ({ anew, hostId }) => anew && builders.some((other) => other.hostId !== hostId),
  )
  if (!second) return undefined
  const { host, hostId, runId, at } = second
  return { host, hostId, digest, run: runId, at: at?.toISOString() ?? '' }
}

/** How the run was asked to have the image: whoever does the same must come to the same. */
export const findImageTask = (tx: Tx, runId: string, digest: string) =>
  tx
    .selectFrom('tasks')
    .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
    .select(['tasks.spec', 'hosts.id as hostId', 'hosts.name as host'])
    .where('run_id', '=', runId)
    .where('kind', '=', 'buildImage')
    .where('tasks.status', '=', 'succeeded')
    .where(sql<string>`output -> 'buildImage' ->> 'digest'`, '=', digest)
    .where(sql<string>`coalesce(output -> 'buildImage' ->> 'reproduced', '')`, '<>', 'true')
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst()

export interface SecondHost {
  /** Who built the image; where nobody says so, who says that it was there. */
  readonly builders: readonly string[]
  /** Another host that is online, the first by name. */
  readonly host: { readonly id: string; readonly name: string } | null
}

/** @param finder who says what the image's digest is, where no host says that it built it. */
export async function chooseSecondHost(
  tx: Tx,
  projectId: string,
  digest: string,
  finder: { readonly hostId: string; readonly host: string },
): Promise<SecondHost> {
  const known = await listBuilders(tx, projectId, digest)
  const builders = known.length > 0 ? known : [finder]
  const host = await tx
    .selectFrom('hosts')
    .select(['id', 'name'])
    .where('status', '=', 'online')
    .where(
      'id',
      'not in',
      builders.map(({ hostId }) => hostId),
    )
    .orderBy('name')
    .limit(1)
    .executeTakeFirst()
  return { builders: [...new Set(builders.map(({ host }) => host))], host: host ?? null }
}
