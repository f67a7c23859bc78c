import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider from 'oidc-provider'

export interface OpenIdProvider {
  readonly issuer: string
  readonly clientId: string
  /** Keys that it signs with, private parts included. */
  readonly jwk: JWK
  close(): Promise<void>
}

/** Accounts whose address begins so have one that the provider has not verified. */
export const unverifiedPrefix = 'unverified-'

/**
 * A real OpenID provider (the package oidc-provider) on loopback, with one public client that may use the device
 * authorization grant. Whoever logs in is who they say; the account is their e-mail address.
 */
export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const clientId = 'fairway-cli'
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'one' }
  let handle: RequestListener = (_, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_name: 'Fairway',
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    // The claims of the scope email go into the ID token, as they do at the providers that companies run.
    conformIdTokenClaims: false,
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, email: sub, email_verified: !sub.startsWith(unverifiedPrefix) }),
    }),
  })
  handle = provider.callback()
  return {
    issuer,
    clientId,
    jwk,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * What a person does in a browser: opens the address, confirms the code, logs in as that account and consents; or
 * presses Abort when asked to confirm. Gives the text of the last page.
 */
export async function confirmInBrowser(
  address: string,
  login: string,
  answer: 'confirm' | 'abort' = 'confirm',
) {
  const cookies = new Map<string, string>()
  const open = async (url: string, form?: URLSearchParams): Promise<{ url: string; html: string }> => {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value) cookies.set(name, value)
      else cookies.delete(name)
    }
    const location = response.headers.get('location')
    if (location) return await open(new URL(location, url).href)
    return { url, html: await response.text() }
  }
  let page = await open(address)
  for (let forms = 0; forms < 10; forms++) {
    const form = parseForm(page.html)
    if (!form) return page.html
    if (form.fields.has('login')) form.fields.set('login', login)
    if (form.fields.has('password')) form.fields.set('password', 'any')
    if (answer === 'abort' && form.fields.has('confirm')) {
      form.fields.delete('confirm')
      form.fields.set('abort', 'yes')
    }
    page = await open(new URL(form.action, page.url).href, form.fields)
    if (answer === 'abort' && form.fields.has('abort')) return page.html
  }
  throw new Error(`The provider asks for ever: ${page.html}`)
}

function parseForm(html: string): { action: string; fields: URLSearchParams } | undefined {
  const form = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(html)
  if (!form) return undefined
  const fields = new URLSearchParams()
  for (const [input] of (form[2] ?? '').matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1]
    if (name) fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '')
  }
  return { action: form[1] ?? '', fields }
}
