import { create } from '@bufbuild/protobuf'
import { type LoginNotice, LoginNoticeSchema } from '../../../proto/gen/fairway/v1/identity_pb.js'
import type { Tx } from '../../db/tenancy.ts'
import { timestampOf } from '../messages.ts'

/** For how long a member is told. */
const toldMs = 90 * 86_400_000

/**
 * What others did about the member's access since they were added, newest first: codes that were issued for them after
 * they had logged in, and recoveries that an owner asked for. By member id.
 */
export async function loginNotices(
  tx: Tx,
  memberIds: readonly string[],
): Promise<Map<string, LoginNotice[]>> {
  const found = new Map<string, LoginNotice[]>(memberIds.map((id) => [id, []]))
  if (memberIds.length === 0) return found
  const since = new Date(Date.now() - toldMs)
  const codes = await tx
    .selectFrom('login_codes')
    .select(['member_id', 'kind', 'issued_by', 'created_at', 'used_at'])
    .where('member_id', 'in', memberIds)
    .where('kind', '<>', 'invitation')
    .where('created_at', '>', since)
    .orderBy('created_at', 'desc')
    .execute()
  const requests = await tx
    .selectFrom('member_recoveries')
    .select(['member_id', 'requested_by', 'created_at'])
    .where('member_id', 'in', memberIds)
    .where('confirmed_at', 'is', null)
    .where('created_at', '>', since)
    .orderBy('created_at', 'desc')
    .execute()
  for (const row of requests) {
    const notice = { kind: 'recovery-requested', by: [row.requested_by], at: timestampOf(row.created_at) }
    found.get(row.member_id)?.push(create(LoginNoticeSchema, notice))
  }
  for (const row of codes) {
    const at = { at: timestampOf(row.created_at), usedAt: timestampOf(row.used_at) }
    found.get(row.member_id)?.push(create(LoginNoticeSchema, { kind: row.kind, by: row.issued_by, ...at }))
  }
  return found
}
