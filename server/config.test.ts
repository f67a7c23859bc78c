import { expect, test } from 'vitest'
import { parseConfig } from './config.ts'

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
