import { sql } from 'kysely'
import type { Tx } from './tenancy.ts'

/** A host whose agent says that it built an image, rather than found it in the registry. */
export interface Builder {
  readonly host: string
  /** What its agent's certificate names. */
  readonly hostId: string
  readonly runId: string
  readonly buildNumber: number | null
  readonly digest: string
  /** It took nothing of it from the registry, where any host of the project may leave something. */
  readonly anew: boolean
  readonly at: Date | null
}

/** Of all images of the project, first to last. */
export const imageBuilders = (tx: Tx, projectId: string) =>
  tx
    .selectFrom('tasks')
    .innerJoin('runs', 'runs.id', 'tasks.run_id')
    .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
    .select(['hosts.name as host', 'hosts.id as hostId', 'runs.id as runId', 'runs.number as buildNumber'])
    .select('tasks.finished_at as at')
    .select([
      sql<string>`tasks.output -> 'buildImage' ->> 'digest'`.as('digest'),
      sql<boolean>`coalesce(tasks.output -> 'buildImage' ->> 'anew', '') = 'true'`.as('anew'),
    ])
    .where('runs.project_id', '=', projectId)
    .where('tasks.kind', '=', 'buildImage')
    .where('tasks.status', '=', 'succeeded')
    .where(sql<string>`tasks.output -> 'buildImage' ->> 'built'`, '=', 'true')
    .orderBy('tasks.finished_at')

/** Key of the task that builds an image only to compare. */
export const reproductionKey = 'reproduce'

/** Who built that image, first to last. */
export const listBuilders = (tx: Tx, projectId: string, digest: string): Promise<Builder[]> =>
  imageBuilders(tx, projectId)
    .where(sql<string>`tasks.output -> 'buildImage' ->> 'digest'`, '=', digest)
    .execute()
