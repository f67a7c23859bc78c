import type { Grant, Member } from '../../proto/gen/fairway/v1/members_pb.js'
import { noticeJson } from './login-notice.ts'
import { textOf, timeOf } from './values.ts'

export const memberJson = (member: Member) => ({
  name: member.name,
  role: member.role,
  projectRoles: member.projectRoles.map(({ project, role }) => ({ project, role })),
  createdAt: timeOf(member.createdAt),
  lastSeenAt: timeOf(member.lastSeenAt),
  loginNotices: member.loginNotices.map(noticeJson),
  id: member.id,
})
export type MemberJson = ReturnType<typeof memberJson>

export const grantJson = (grant: Grant) => ({
  member: grant.member,
  project: grant.project,
  environment: textOf(grant.environment),
  stage: textOf(grant.stage),
  permission: grant.permission,
  grantedBy: grant.grantedBy,
  createdAt: timeOf(grant.createdAt),
  expiresAt: timeOf(grant.expiresAt),
  revokedAt: timeOf(grant.revokedAt),
  id: grant.id,
})
export type GrantJson = ReturnType<typeof grantJson>

/** `production`, `stage staging`, or `the whole project`. */
export const placeOf = (grant: GrantJson): string =>
  grant.environment ?? (grant.stage ? `stage ${grant.stage}` : 'the whole project')
