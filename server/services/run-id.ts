import type { Tx } from '../db/tenancy.ts'
import { invalid } from '../errors.ts'

const whole = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const prefix = /^[0-9a-f]{4,8}$|^[0-9a-f]{8}-[0-9a-f-]{0,26}$/

/**
 * The whole id of the run that is named by it, or by the first digits of it that no other shares; undefined where there is
 * none. Throws `invalid-run` where several begin so.
 */
export async function findRunId(tx: Tx, name: string): Promise<string | undefined> {
  const text = name.toLowerCase()
  if (whole.test(text)) return text
  const digits = text.replaceAll('-', '')
  if (!prefix.test(text) || digits.length > 32) return undefined
  const rows = await tx
    .selectFrom('runs')
    .select('id')
    .where('id', '>=', uuidOf(digits.padEnd(32, '0')))
    .where('id', '<=', uuidOf(digits.padEnd(32, 'f')))
    .limit(2)
    .execute()
  if (rows.length > 1) throw invalid('run', `More than one run begins with ${text}: give more of its id.`)
  return rows[0]?.id
}

const uuidOf = (digits: string): string =>
  [0, 8, 12, 16, 20].map((from, index, cuts) => digits.slice(from, cuts[index + 1])).join('-')
