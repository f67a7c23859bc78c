import type { LoginNotice } from '../../proto/gen/fairway/v1/identity_pb.js'
import { timeOf } from './values.ts'

export const noticeJson = ({ kind, by, at, usedAt }: LoginNotice) => ({
  kind,
  by,
  at: timeOf(at),
  usedAt: timeOf(usedAt),
})
export type NoticeJson = ReturnType<typeof noticeJson>
