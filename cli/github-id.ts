import { usageError } from './errors.ts'

/** 0 where it was not given. */
export function parseGithubId(option: string, text: string | undefined): bigint {
  if (text === undefined) return 0n
  if (/^[1-9]\d{0,15}$/.test(text)) return BigInt(text)
  throw usageError(`${option} is a number: gh api repos/OWNER/NAME --jq ".id, .owner.id" shows both.`)
}
