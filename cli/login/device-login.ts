import { openBrowser } from '../browser.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { requireSecureAddress } from '../secure-address.ts'
import type { Session } from '../session.ts'

/**
 * An ID token of the person at this terminal, by the device authorization grant (RFC 8628): they confirm a short code
 * in a browser, on whatever machine. Waits until they have, the code expires, or they interrupt.
 */
export async function loginAtProvider(
  { out, settings, signal }: Session,
  { issuer, clientId }: { issuer: string; clientId: string },
): Promise<string> {
  requireSecureAddress(issuer, settings)
  const oidc = await import('openid-client')
  const insecure = new URL(issuer).protocol === 'http:'
  try {
    const provider = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
      execute: insecure ? [oidc.allowInsecureRequests] : [],
    })
    const device = await oidc.initiateDeviceAuthorization(provider, { scope: 'openid email' })
    const address = device.verification_uri_complete ?? device.verification_uri
    out.note(`Open ${address}\nand confirm the code ${device.user_code}. Waiting …`)
    if (out.isTerminal) await openBrowser(settings, address)
    const { id_token } = await oidc.pollDeviceAuthorizationGrant(provider, device, undefined, { signal })
    if (id_token) return id_token
    throw new CliError(
      exitCodes.failure,
      `${issuer} gave no ID token: does its client allow the scope openid?`,
    )
  } catch (error) {
    if (error instanceof CliError || signal.aborted) throw error
    throw toLoginError(error, issuer)
  }
}

function toLoginError(error: unknown, issuer: string): CliError {
  const { error: code, cause, message } = error as { error?: string; cause?: unknown; message?: string }
  if (code === 'access_denied')
    return new CliError(exitCodes.notAllowed, 'The login was refused in the browser.')
  if (code === 'expired_token') {
    return new CliError(exitCodes.timeout, 'The code has expired unconfirmed. Run `fairway login` again.')
  }
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message
  return new CliError(
    exitCodes.failure,
    `The login at ${issuer} failed (${why}). Its client must allow the device authorization grant; ` +
      'with a one-time code it goes without: `fairway login --code CODE`.',
    { cause: error },
  )
}
