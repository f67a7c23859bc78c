import { formatAge } from '../format.ts'

/** How old what a plan was made from is; null where the server does not say, or has a hint instead. */
export const madeFrom = (
  { databaseSeenAt }: { readonly databaseSeenAt: string | null },
  now: number,
): string | null => databaseSeenAt && `from what the database had ${formatAge(databaseSeenAt, now)}`
