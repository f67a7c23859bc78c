import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface TokenIssuer {
  readonly url: string
  /** A token of ten minutes that it signed; what is given overrides its claims, undefined removes one. */
  sign(claims: Record<string, unknown>): Promise<string>
  /** Requests for its keys so far. */
  keyRequests(): number
  close(): Promise<void>
}

/** What signs ID tokens for workflows: discovery and keys on loopback, and nothing else, as GitHub Actions has it. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const key = await generateKeyPair('RS256')
  let requests = 0
  const server = createServer(async (request, response) => {
    const answer = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url === '/.well-known/openid-configuration') {
      return void answer({ issuer: url, jwks_uri: `${url}/.well-known/jwks` })
    }
    if (request.url !== '/.well-known/jwks') return void response.writeHead(404).end()
    requests++
    const jwk = { ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
    answer({ keys: [jwk] })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async sign(claims) {
      const now = Math.floor(Date.now() / 1_000)
      const all: Record<string, unknown> = {
        iss: url,
        sub: 'test',
        iat: now,
        nbf: now,
        exp: now + 600,
        ...claims,
      }
      const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      return await new SignJWT(kept as JWTPayload)
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .sign(key.privateKey)
    },
    keyRequests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
