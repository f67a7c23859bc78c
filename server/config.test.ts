import { expect, test } from 'vitest'
import { parseConfig } from './config.ts'
import { siteBelow } from './network/domains.ts'

const oidc = { FAIRWAY_OIDC_ISSUER: 'https://login.example/realm', FAIRWAY_OIDC_CLIENT_ID: 'fairway' }

test('an OpenID provider is its issuer and our client there', () => {
  expect(parseConfig(oidc).oidc).toEqual({ issuer: 'https://login.example/realm', clientId: 'fairway' })
  expect(parseConfig({}).oidc).toBeUndefined()
  expect(parseConfig({}).workflowIssuer).toBe('https://token.actions.githubusercontent.com')
})

test.each<[string, Record<string, string>, string]>([
  ['an issuer without a client', { FAIRWAY_OIDC_ISSUER: oidc.FAIRWAY_OIDC_ISSUER }, 'given together'],
  ['a client without an issuer', { FAIRWAY_OIDC_CLIENT_ID: 'fairway' }, 'given together'],
  ['an issuer in the clear', { ...oidc, FAIRWAY_OIDC_ISSUER: 'http://login.example' }, 'https address'],
  ['an issuer that is no address', { ...oidc, FAIRWAY_OIDC_ISSUER: 'login' }, 'FAIRWAY_OIDC_ISSUER'],
  ['a workflow issuer in the clear', { FAIRWAY_WORKFLOW_ISSUER: 'http://ghe.example' }, 'https address'],
])('%s is refused', (_, environment, why) => {
  expect(() => parseConfig(environment)).toThrow(why)
})

test('on this machine an issuer may do without TLS', () => {
  const local = { ...oidc, FAIRWAY_OIDC_ISSUER: 'http://127.0.0.1:4000' }
  expect(parseConfig(local).oidc?.issuer).toBe('http://127.0.0.1:4000')
})

test('without a word about domains production and previews are two sites on this machine', () => {
  const { domain, previewDomain } = parseConfig({})
  expect([siteBelow(domain), siteBelow(previewDomain)]).toEqual([
    'fairway.localhost',
    'fairway-preview.localhost',
  ])
  // As before there was a choice: it still starts, and the admin is told (server/config-warnings.ts).
  expect(parseConfig({ FAIRWAY_DOMAIN: 'Erp.Example' })).toMatchObject({
    domain: 'erp.example',
    previewDomain: 'erp.example',
  })
})

test.each([
  ['example.com', 'example.net'],
  ['erp.example.com', 'previews.example.net'],
  ['a.co.uk', 'b.co.uk'],
  // github.io is a public suffix: whatever is below it is a site of its own.
  ['acme.github.io', 'acme-previews.github.io'],
  ['shop.internal', 'previews.internal'],
])('%s and %s are two sites', (domain, preview) => {
  const config = parseConfig({ FAIRWAY_DOMAIN: domain, FAIRWAY_PREVIEW_DOMAIN: preview })
  expect(config).toMatchObject({ domain, previewDomain: preview })
})

test.each([
  ['example.com', 'example.com', 'it equals FAIRWAY_DOMAIN'],
  ['example.com', 'Preview.Example.COM', 'it is below FAIRWAY_DOMAIN'],
  ['erp.example.com', 'example.com', 'is below it'],
  ['erp.example.com', 'preview.example.com', 'are one site, example.com'],
  ['erp.example.co.uk', 'preview.example.co.uk', 'are one site, example.co.uk'],
  // A project called preview would be the parent of all previews.
  ['localhost', 'preview.localhost', 'it is below FAIRWAY_DOMAIN'],
  ['co.uk', 'previews.co.uk', 'it is below FAIRWAY_DOMAIN'],
  ['example.com', '10.0.0.1', 'is no domain'],
  ['example.com', 'https://example.net', 'must be a host name'],
])('previews of %s at %s are refused', (domain, preview, why) => {
  expect(() => parseConfig({ FAIRWAY_DOMAIN: domain, FAIRWAY_PREVIEW_DOMAIN: preview })).toThrow(why)
})

test('each port has an address of its own, or that of both', () => {
  const listens = (environment: Record<string, string>) => {
    const { apiListen, linkListen } = parseConfig(environment)
    return [apiListen, linkListen]
  }
  expect(listens({})).toEqual(['127.0.0.1', '127.0.0.1'])
  expect(listens({ FAIRWAY_LINK_LISTEN: '0.0.0.0' })).toEqual(['127.0.0.1', '0.0.0.0'])
  expect(listens({ FAIRWAY_LISTEN: '0.0.0.0', FAIRWAY_API_LISTEN: '127.0.0.2' })).toEqual([
    '127.0.0.2',
    '0.0.0.0',
  ])
})

test.each<[string, Record<string, string>, string]>([
  [
    'both ports in the open',
    { FAIRWAY_LISTEN: '0.0.0.0' },
    'FAIRWAY_LISTEN: at 0.0.0.0 the API would speak plain HTTP',
  ],
  ['the API in the open', { FAIRWAY_API_LISTEN: '::' }, 'FAIRWAY_API_LISTEN: at :: the API'],
  ['an address of the network', { FAIRWAY_API_LISTEN: '10.0.0.5' }, 'FAIRWAY_TRUSTED_PROXIES'],
  [
    'a public address in the clear',
    { FAIRWAY_PUBLIC_URL: 'http://fairway.example' },
    'codes and tokens in the clear',
  ],
  ['one that only looks local', { FAIRWAY_PUBLIC_URL: 'http://127.0.0.1.example' }, 'in the clear'],
  ['another protocol', { FAIRWAY_PUBLIC_URL: 'ftp://fairway.example' }, 'FAIRWAY_PUBLIC_URL'],
  ['everybody as a proxy', { FAIRWAY_TRUSTED_PROXIES: '10.0.0.1,0.0.0.0/0' }, 'FAIRWAY_TRUSTED_PROXIES'],
])('%s is refused at the start', (_, environment, why) => {
  expect(() => parseConfig(environment)).toThrow(why)
})

test('plain HTTP goes to proxies that are named, or where somebody says that they want it', () => {
  const proxied = { FAIRWAY_API_LISTEN: '0.0.0.0', FAIRWAY_TRUSTED_PROXIES: '10.0.0.7, 10.1.0.0/16' }
  expect(parseConfig(proxied)).toMatchObject({
    trustedProxies: ['10.0.0.7', '10.1.0.0/16'],
    insecureHttp: false,
  })
  const clear = {
    FAIRWAY_LISTEN: '0.0.0.0',
    FAIRWAY_PUBLIC_URL: 'http://fairway.example',
    FAIRWAY_INSECURE_HTTP: '1',
  }
  expect(parseConfig(clear).insecureHttp).toBe(true)
  expect(() => parseConfig({ ...clear, FAIRWAY_INSECURE_HTTP: 'yes' })).toThrow('FAIRWAY_INSECURE_HTTP')
})

test('what is allowed and had better not be is said', () => {
  expect(parseConfig({}).warnings).toEqual([])
  const { warnings } = parseConfig({ FAIRWAY_DOMAIN: 'erp.example.com', FAIRWAY_INSECURE_HTTP: '1' })
  expect(warnings).toEqual([
    expect.stringContaining('one site with production (example.com)'),
    expect.stringContaining('plain HTTP'),
    expect.stringContaining('FAIRWAY_INSECURE_HTTP'),
  ])
  const well = {
    FAIRWAY_DOMAIN: 'example.com',
    FAIRWAY_PREVIEW_DOMAIN: 'example.net',
    FAIRWAY_PUBLIC_SCHEME: 'https',
  }
  expect(parseConfig(well).warnings).toEqual([])
})
