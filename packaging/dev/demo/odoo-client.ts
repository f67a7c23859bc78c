import { type IncomingHttpHeaders, request } from 'node:http'

/** Where an environment answers: the proxy's port, and the host name that tells it which one is meant. */
export interface OdooAddress {
  readonly url: string
  /** The administrator's; `admin` where nobody made another one. */
  readonly password?: string
}

const userId = 2
const database = 'odoo'

/**
 * Calls a model's method over Odoo's own API, as its administrator. `*.localhost` is not resolved by every system's
 * resolver, so the name goes into the Host header and the connection to loopback.
 */
export async function callOdoo<T>(
  address: OdooAddress,
  model: string,
  method: string,
  args: unknown[],
  options: Record<string, unknown> = {},
): Promise<T> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    method: 'call',
    params: {
      service: 'object',
      method: 'execute_kw',
      args: [database, userId, address.password ?? 'admin', model, method, args, options],
    },
  })
  const { status, text } = await httpRequest(address.url, '/jsonrpc', body)
  if (status !== 200) throw new Error(`${address.url} answered ${status}`)
  const answer = JSON.parse(text) as { result?: T; error?: { data?: { message?: string } } }
  if (answer.error) throw new Error(`Odoo refused ${model}.${method}: ${answer.error.data?.message}`)
  return answer.result as T
}

export interface OdooAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** GET, or POST of JSON where a body is given, with the environment's own host name. */
export function httpRequest(url: string, path: string, body?: string): Promise<OdooAnswer> {
  const { host, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<OdooAnswer>()
  const outgoing = request(
    {
      host: '127.0.0.1',
      port: port || 80,
      path,
      method: body === undefined ? 'GET' : 'POST',
      // A kept connection may be closed just when it is used again.
      agent: false,
      headers: { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    },
  )
  outgoing.on('error', reject)
  outgoing.end(body)
  return promise
}
