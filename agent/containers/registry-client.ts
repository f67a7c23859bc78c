import { credentialAdvice } from '../credential-advice.ts'
import { TaskError } from '../tasks/task.ts'
import type { DockerHost } from './docker.ts'
import type { RegistryAuth } from './registry-credentials.ts'

const maxDocumentBytes = 4 * 1024 ** 2
const timeoutMs = 30_000

const isHere = (host: string) => /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host)

/** HTTPS, but for loopback and what Docker was told to speak plainly to. */
export async function schemeOf({ docker }: DockerHost, host: string): Promise<'http' | 'https'> {
  if (isHere(host)) return 'http'
  const info: { RegistryConfig?: { IndexConfigs?: Record<string, { Secure?: boolean }> } } =
    await docker.info()
  return info.RegistryConfig?.IndexConfigs?.[host]?.Secure === false ? 'http' : 'https'
}

export interface RegistryPlace {
  /** What people call the registry, and where it answers. */
  readonly registry: string
  readonly base: string
  /** Of the repository. */
  readonly name: string
  /** What is done there: `pull`, `pull,push`, `pull,delete`. */
  readonly actions: string
}

export type RequestContent = NonNullable<RequestInit['body']>

export interface RegistryRequest {
  readonly accept?: string
  /** Numbers that are answers and no faults, beside those of success. */
  readonly expected?: readonly number[]
  readonly headers?: Readonly<Record<string, string>>
  /** Asked for anew where the request has to be repeated. */
  body?(): Promise<RequestContent> | RequestContent
  /** Whether it takes as long as its contents are large. */
  readonly large?: boolean
}

export type AskRegistry = (method: string, path: string, request?: RegistryRequest) => Promise<Response>

/**
 * Requests to one repository of a registry, authorized as it asks for. Throws TaskError `registry-unavailable`,
 * `registry-denied`.
 */
export function createRegistryClient(
  { registry, base, name, actions }: RegistryPlace,
  auth: RegistryAuth,
  signal: AbortSignal,
): AskRegistry {
  let authorization = ''

  async function send(method: string, path: string, request: RegistryRequest): Promise<Response> {
    const { accept = 'application/json', body, headers = {}, large } = request
    const limited = large ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const content = await body?.()
    return fetch(`${base}${path}`, {
      method,
      headers: { accept, ...headers, ...(authorization && { authorization }) },
      signal: limited,
      ...(content !== undefined && { body: content, duplex: 'half' }),
    } as RequestInit).catch((error: unknown) => {
      signal.throwIfAborted()
      throw unanswered(`the registry ${registry}`, error)
    })
  }

  return async (method, path, request = {}) => {
    let answer = await send(method, path, request)
    if (answer.status === 401) {
      await answer.body?.cancel()
      const challenge = answer.headers.get('www-authenticate') ?? ''
      authorization = await authorize(
        challenge,
        `repository:${name}:${actions}`,
        auth,
        isHere(registry),
        signal,
      )
      answer = await send(method, path, request)
    }
    if (answer.ok || (request.expected ?? [404]).includes(answer.status)) return answer
    await answer.body?.cancel()
    const denied = [401, 403].includes(answer.status)
    throw new TaskError(
      denied ? 'registry-denied' : 'registry-unavailable',
      `the registry ${registry} answers ${answer.status} to ${method} of ${name}${denied ? `: ${credentialAdvice('registry', registry)}` : ''}`,
    )
  }
}

function unanswered(who: string, error: unknown): TaskError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new TaskError('registry-unavailable', `${who} does not answer: ${(cause as Error).message}`, {
    cause: error,
  })
}

/** As the registry asks for it: the credentials themselves, or a token that it gives for them. */
async function authorize(
  challenge: string,
  scope: string,
  { username, password }: RegistryAuth,
  isLocal: boolean,
  signal: AbortSignal,
): Promise<string> {
  const basic = password ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : ''
  if (!/^bearer /i.test(challenge)) return basic
  const parameters = new Map(
    [...challenge.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
  )
  const realm = URL.parse(parameters.get('realm') ?? '')
  // A password goes to nobody in the clear because a registry said so, and this host's services are asked for none but
  // its own.
  if (!realm || (realm.protocol !== 'https:' && !(isLocal && isHere(realm.host)))) return ''
  realm.searchParams.set('service', parameters.get('service') ?? '')
  realm.searchParams.set('scope', scope)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const who = `the token service ${realm.host} of the registry`
  const answer = await fetch(realm, {
    headers: basic ? { authorization: basic } : {},
    signal: limited,
  }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw unanswered(who, error)
  })
  if (answer.status >= 500 || answer.status === 429)
    throw new TaskError('registry-unavailable', `${who} answers ${answer.status}: try again later`)
  if (!answer.ok) return ''
  const { token, access_token } = (await readJson(answer)) as { token?: unknown; access_token?: unknown }
  const given = token ?? access_token
  return typeof given === 'string' ? `Bearer ${given}` : ''
}

/** Throws TaskError `registry-unavailable` for what is none, or larger than 4 MiB. */
export async function readJson(answer: Response): Promise<object> {
  const text = await readDocument(answer)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new TaskError(
    'registry-unavailable',
    `the registry answers ${answer.url} with something that is no JSON`,
  )
}

/** Throws TaskError `registry-unavailable` for more than 4 MiB. */
export async function readDocument(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxDocumentBytes)
      throw new TaskError('registry-unavailable', `the registry answers ${answer.url} with more than 4 MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
