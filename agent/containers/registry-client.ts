import { credentialAdvice } from '../credential-advice.ts'
import { TaskError } from '../tasks/task.ts'
import type { DockerHost } from './docker.ts'
import type { RegistryAuth } from './registry-credentials.ts'

const maxDocumentBytes = 4 * 1024 ** 2
const timeoutMs = 30_000

/** HTTPS, but for loopback and what Docker was told to speak plainly to. */
export async function schemeOf({ docker }: DockerHost, host: string): Promise<'http' | 'https'> {
  if (/^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host)) return 'http'
  const info: { RegistryConfig?: { IndexConfigs?: Record<string, { Secure?: boolean }> } } =
    await docker.info()
  return info.RegistryConfig?.IndexConfigs?.[host]?.Secure === false ? 'http' : 'https'
}

/**
 * Requests to one repository of a registry, authorized as it asks for. `base` is where it answers, `registry` what people
 * call it. Throws TaskError `registry-unavailable`, `registry-denied`.
 */
export function createRegistryClient(
  registry: string,
  base: string,
  name: string,
  auth: RegistryAuth,
  signal: AbortSignal,
) {
  let authorization = ''

  async function send(method: string, path: string, accept: string): Promise<Response> {
    const headers = { accept, ...(authorization && { authorization }) }
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      return await fetch(`${base}${path}`, { method, headers, signal: limited })
    } catch (error) {
      signal.throwIfAborted()
      throw new TaskError(
        'registry-unavailable',
        `the registry ${registry} does not answer: ${(error as Error).message}`,
        { cause: error },
      )
    }
  }

  return async (
    method: string,
    path: string,
    accept = 'application/json',
    expected: readonly number[] = [404],
  ): Promise<Response> => {
    let answer = await send(method, path, accept)
    if (answer.status === 401) {
      await answer.body?.cancel()
      authorization = await authorize(answer.headers.get('www-authenticate') ?? '', name, auth, signal)
      answer = await send(method, path, accept)
    }
    if (answer.ok || expected.includes(answer.status)) return answer
    await answer.body?.cancel()
    const denied = [401, 403].includes(answer.status)
    throw new TaskError(
      denied ? 'registry-denied' : 'registry-unavailable',
      `the registry ${registry} answers ${answer.status} to ${method} of ${name}${denied ? `: ${credentialAdvice('registry', registry)}` : ''}`,
    )
  }
}

/** As the registry asks for it: the credentials themselves, or a token that it gives for them. */
async function authorize(
  challenge: string,
  name: string,
  { username, password }: RegistryAuth,
  signal: AbortSignal,
): Promise<string> {
  const basic = password ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : ''
  if (!/^bearer /i.test(challenge)) return basic
  const parameters = new Map(
    [...challenge.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
  )
  const realm = URL.parse(parameters.get('realm') ?? '')
  // A password goes to nobody in the clear because a registry said so.
  if (!realm || (realm.protocol !== 'https:' && realm.hostname !== '127.0.0.1')) return ''
  realm.searchParams.set('service', parameters.get('service') ?? '')
  realm.searchParams.set('scope', `repository:${name}:pull,delete`)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const answer = await fetch(realm, { headers: basic ? { authorization: basic } : {}, signal: limited })
  if (!answer.ok) return ''
  const { token, access_token } = (await readJson(answer)) as { token?: unknown; access_token?: unknown }
  const given = token ?? access_token
  return typeof given === 'string' ? `Bearer ${given}` : ''
}

/** Throws TaskError `registry-unavailable` for what is none, or larger than 4 MiB. */
export async function readJson(answer: Response): Promise<object> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxDocumentBytes)
      throw new TaskError('registry-unavailable', `the registry answers ${answer.url} with more than 4 MiB`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new TaskError(
    'registry-unavailable',
    `the registry answers ${answer.url} with something that is no JSON`,
  )
}
