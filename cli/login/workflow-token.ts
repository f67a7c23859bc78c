import { CliError, usageError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { requireSecureAddress } from '../secure-address.ts'
import type { Settings } from '../settings.ts'

/** The ID token of the GitHub Actions job that runs this, made for that audience. */
export async function askWorkflowToken(
  { workflow, insecureHttp }: Settings,
  audience: string,
  signal: AbortSignal,
): Promise<string> {
  if (!workflow) {
    throw usageError(
      '--workflow works inside a GitHub Actions job with `permissions: { id-token: write }`: ' +
        'ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set.',
    )
  }
  requireSecureAddress(workflow.tokenUrl, { insecureHttp })
  const url = new URL(workflow.tokenUrl)
  url.searchParams.set('audience', audience)
  const headers = { authorization: `Bearer ${workflow.requestToken}`, accept: 'application/json' }
  const response = await fetch(url, { headers, signal }).catch((error: Error) => {
    throw new CliError(exitCodes.unreachable, `GitHub Actions gave no ID token: ${error.message}.`, {
      cause: error,
    })
  })
  const { value } = (response.ok ? await response.json() : {}) as { value?: unknown }
  if (typeof value === 'string') return value
  throw new CliError(exitCodes.failure, `GitHub Actions gave no ID token: it answered ${response.status}.`)
}
