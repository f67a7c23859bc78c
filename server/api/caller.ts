import { createContextKey, type HandlerContext } from '@connectrpc/connect'
import type { Identity } from '../services/identity/authenticate.ts'

/** Set by the authentication interceptor before any handler runs. */
export const identityKey = createContextKey<Identity | undefined>(undefined, { description: 'identity' })
export const requestIdKey = createContextKey('', { description: 'request id' })
/** Whence the request came: the address of a proxy, where there is one before the server. */
export const addressKey = createContextKey('', { description: 'address' })

export function callerOf(context: HandlerContext): Identity {
  const identity = context.values.get(identityKey)
  if (!identity) throw new Error('A handler ran without authentication')
  return identity
}
