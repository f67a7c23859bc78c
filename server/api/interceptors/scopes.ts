import type { DescMethod } from '@bufbuild/protobuf'
import type { Interceptor } from '@connectrpc/connect'
import { DomainError } from '../../errors.ts'
import { identityKey } from '../caller.ts'

/** How the names of methods begin that only read; api.test.ts holds them to it. */
const reading = /^(Get|List|Watch|Read|Report|Export|Pull|Explain|Test|Plan)[A-Z]/

/** Services whose reading is a permission of its own: that scope does as well as `read`. */
const ownScopes: Record<string, string> = {
  AuditService: 'audit.read',
  EvidenceService: 'evidence.read',
  MemberService: 'member.read',
  ReportService: 'report.read',
  SecretService: 'secret.list',
}

export const isReading = (method: DescMethod): boolean => reading.test(method.name)

/**
 * A token that is confined reads only what it has a scope for. Use cases check the permissions that change something;
 * most reading needs none, so it is kept from such a token here. Comes after the authentication.
 */
export function scopes(): Interceptor {
  return (next) => async (request) => {
    const own = request.contextValues.get(identityKey)?.access.scopes ?? []
    if (own.length > 0 && isReading(request.method)) {
      const also = ownScopes[request.method.parent.name]
      if (!own.includes('read') && !(also && own.includes(also))) throw unreadable(own)
    }
    return await next(request)
  }
}

const unreadable = (own: readonly string[]) =>
  new DomainError(
    'forbidden',
    'token-scope',
    `This token is confined to ${own.join(', ')}: it may not read. Make another: ` +
      `\`fairway token create --scope read ${own.map((scope) => `--scope ${scope}`).join(' ')}\`.`,
  )
