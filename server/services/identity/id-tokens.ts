import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { DomainError, messageOf } from '../../errors.ts'

/** An OpenID issuer whose tokens are believed. */
export interface Issuer {
  /**
   * The claims of a token that it signed for this audience within the last ten minutes and that has not expired.
   * Throws `id-token-invalid` saying what is wrong, or `issuer-unavailable`.
   */
  verify(token: string, audience: string): Promise<JWTPayload>
}

/** Asymmetric ones alone: a shared secret would let whoever knows it be anybody. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const clockToleranceSeconds = 30
const maxAge = '10m'
const timeoutMs = 5_000
/** For how long the issuer's discovery document is believed; keys are fetched again when a new one turns up. */
const discoveryMs = 3_600_000

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

export function createIssuer(url: string): Issuer {
  let discovered: { keys: JWTVerifyGetKey; until: number } | undefined
  const keys = async (): Promise<JWTVerifyGetKey> => {
    if (discovered && discovered.until > Date.now()) return discovered.keys
    const found = createRemoteJWKSet(await discoverKeys(url), { timeoutDuration: timeoutMs })
    discovered = { keys: found, until: Date.now() + discoveryMs }
    return found
  }
  return {
    async verify(token, audience) {
      let verified: Awaited<ReturnType<typeof jwtVerify>>
      try {
        verified = await jwtVerify(token, async (header, jws) => (await keys())(header, jws), {
          issuer: url,
          audience,
          algorithms,
          clockTolerance: clockToleranceSeconds,
          maxTokenAge: maxAge,
          requiredClaims: ['exp', 'iat', 'sub'],
        })
      } catch (error) {
        throw refusalOf(error, url)
      }
      return verified.payload
    },
  }
}

/** Where its keys are, after OpenID Connect Discovery 1.0: the document must be the issuer's own. */
async function discoverKeys(url: string): Promise<URL> {
  const address = `${url.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
  if (!response.ok) throw new Error(`${address} answered ${response.status}`)
  const document = discoverySchema.parse(await response.json())
  if (document.issuer !== url) throw new Error(`${address} is of another issuer, ${document.issuer}`)
  const jwks = new URL(document.jwks_uri)
  if (jwks.protocol !== new URL(url).protocol) throw new Error(`${address} has its keys at ${jwks.origin}`)
  return jwks
}

/** What the token's holder is told. An issuer that does not answer, or nonsense, is no fault of theirs. */
function refusalOf(error: unknown, url: string): DomainError {
  if (
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSTimeout ||
    error.code === 'ERR_JOSE_GENERIC'
  ) {
    return new DomainError(
      'unavailable',
      'issuer-unavailable',
      `The issuer ${url} could not be asked for its keys. Try again in a moment.`,
      { cause: error },
    )
  }
  return new DomainError('unauthenticated', 'id-token-invalid', `The ID token was refused: ${whyOf(error)}.`)
}

function whyOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) {
    return error.claim === 'iat' ? 'it was made too long ago' : 'it has expired. Ask the issuer for a new one'
  }
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} is not as expected`
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed) {
    return 'the issuer did not sign it'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed'
  return messageOf(error)
}
