import { sql } from 'kysely'

/**
 * Number of the build that `runs` is about: its own, or that of what it takes to production or goes back to, whether it got
 * there or not. For the select list of a query; null where it is about none.
 */
export const aboutBuild = sql<number | null>`coalesce(runs.number,
  (select candidate.number from runs candidate where candidate.id = (runs.input ->> 'candidateRunId')::uuid),
  (select goal.build_number from releases goal where goal.id = (runs.input ->> 'releaseId')::uuid))`
