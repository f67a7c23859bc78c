import type { Token } from '../../proto/gen/fairway/v1/tokens_pb.js'
import { textOf, timeOf } from './values.ts'

export const tokenJson = (token: Token) => ({
  name: token.name,
  kind: token.kind,
  member: token.member,
  scopes: token.scopes,
  project: textOf(token.project),
  createdAt: timeOf(token.createdAt),
  expiresAt: timeOf(token.expiresAt),
  lastUsedAt: timeOf(token.lastUsedAt),
  revokedAt: timeOf(token.revokedAt),
  loginIssuedBy: token.loginIssuedBy,
  id: token.id,
})
export type TokenJson = ReturnType<typeof tokenJson>
