import { type RawBuilder, sql } from 'kysely'

/**
 * Of a row of `environments`: that no host was ever asked for more than to read the repository, so that nothing of it is
 * anywhere. It ends without a run.
 */
export const neverBuilt: RawBuilder<boolean> = sql<boolean>`(environments.cell_id is null
  and environments.deployment is null
  and not exists (select from runs inner join tasks on tasks.run_id = runs.id
    where runs.environment_id = environments.id and tasks.kind <> 'resolve'))`
