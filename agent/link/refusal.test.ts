import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { explainRefusal } from './refusal.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const hour = 3_600_000
const identity = { hostName: 'one', notBeforeMs: now - hour, notAfterMs: now + hour }

function refused(reason: string, serverTime = now): StatusObject {
  const metadata = new Metadata()
  metadata.set('fairway-reason', reason)
  metadata.set('fairway-time', new Date(serverTime).toISOString())
  return { code: status.UNAUTHENTICATED, details: 'no', metadata }
}
const unavailable = (details: string): StatusObject => ({
  code: status.UNAVAILABLE,
  details,
  metadata: new Metadata(),
})

describe('a refusal', () => {
  it.each([
    ['certificate-expired', /clock is right, make a token \(fairway host join-token one\)/],
    ['certificate-not-yet-valid', /set the clock/],
    ['certificate-foreign', /check FAIRWAY_SERVERS/],
    ['certificate-purpose', /identity file/],
    ['certificate-required', /no certificate/],
    ['certificate-revoked', /fairway host show one/],
    ['certificate-replaced', /somebody has joined in its name/],
    ['identity-shared', /copy of this one's directory/],
    ['host-unknown', /fairway host join-token one/],
    ['incompatible', /versions/],
  ])('for %s says what to do next', (reason, advice) => {
    const refusal = explainRefusal(refused(reason), identity, now)
    expect(refusal).toEqual({ reason, advice: expect.stringMatching(advice) })
  })

  it.each([
    [25 * hour, 'about 25 h ahead of'],
    [-10 * 60_000, 'about 10 min behind'],
  ])('names a clock that is off by %d ms', (offset, words) => {
    const refusal = explainRefusal(refused('certificate-expired', now - offset), identity, now)
    expect(refusal?.clock).toContain(words)
  })

  it('of a server by this host is explained as well', () => {
    const error = 'No connection established. Last error: Error:'
    expect(
      explainRefusal(unavailable(`${error} certificate is not yet valid.`), identity, now),
    ).toMatchObject({
      reason: 'server-certificate-time',
      advice: expect.stringContaining('2026-03-01T12:00:00.000Z: set the clock'),
    })
    const later = explainRefusal(unavailable(`${error} certificate has expired.`), identity, now + 5 * hour)
    expect(later?.advice).toContain('neither is its own')
    expect(
      explainRefusal(unavailable(`${error} self-signed certificate in certificate chain.`), identity, now),
    ).toMatchObject({ reason: 'server-foreign' })
  })

  it('is none when a server is merely away', () => {
    expect(explainRefusal(unavailable('connect ECONNREFUSED 127.0.0.1:1'), identity, now)).toBeUndefined()
  })
})
