import type { DescService } from '@bufbuild/protobuf'
import { type Client, createClient, type Interceptor } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { requireSecureAddress } from './secure-address.ts'
import type { Settings } from './settings.ts'

/** Clients of one server that present the token, where there is one, with each call. Throws where it could be read. */
export function connect(
  { server, token }: { server: string; token?: string },
  settings: Pick<Settings, 'insecureHttp'>,
): <S extends DescService>(service: S) => Client<S> {
  requireSecureAddress(server, settings)
  const authorization: Interceptor = (next) => (request) => {
    if (token) request.header.set('authorization', `Bearer ${token}`)
    return next(request)
  }
  const transport = createConnectTransport({
    baseUrl: server,
    httpVersion: '1.1',
    interceptors: [authorization],
    readMaxBytes: 64 * 1024 * 1024,
  })
  return (service) => createClient(service, transport)
}
