import { type UpdateRecord, updateSchema } from '../db/record.ts'
import { wrongState } from '../errors.ts'

/**
 * What a release's row says of its update. Null: it had none, or nobody watched it. One from before it was noted what could
 * not be watched says of nothing that it was not. Throws DomainError `record-misfit` where it does not fit.
 */
export function readUpdate(row: {
  readonly run_id: string
  readonly update_record: unknown
}): UpdateRecord | null {
  if (row.update_record === null) return null
  const update = { omissions: [], ...row.update_record }
  const issue = updateSchema.safeParse(update).error?.issues[0]
  if (!issue) return update as unknown as UpdateRecord
  throw wrongState(
    'record-misfit',
    `What the release of run ${row.run_id} says of its update does not fit: ${issue.path.join('.')}: ${issue.message}. ` +
      'Take the column update_record of its row (table releases) from a backup.',
  )
}
