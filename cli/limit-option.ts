import type { Command } from 'commander'
import { usageError } from './errors.ts'

/** `--limit` of a verb that lists; the server's default is 50 everywhere. */
export const addLimit = (command: Command, most = 500): Command =>
  command.option('--limit <n>', `how many, at most ${most} (default: 50)`)

/** 0 where it was not given: the server's default. Throws a usage error. */
export function limitOf({ limit }: { readonly limit?: string }, most = 500): number {
  if (limit === undefined) return 0
  if (!/^[1-9]\d{0,5}$/.test(limit) || Number(limit) > most)
    throw usageError(`--limit takes a number from 1 to ${most}; ${JSON.stringify(limit)} is none.`)
  return Number(limit)
}
