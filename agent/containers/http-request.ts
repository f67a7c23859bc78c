import { type IncomingHttpHeaders, request } from 'node:http'

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface HttpOptions {
  signal: AbortSignal
  timeoutMs: number
  /** Unlike fetch, node's own client lets us name the host that is asked for. */
  host?: string
  headers?: Record<string, string>
  /** Answers larger than this are cut off. */
  maxBytes?: number
  method?: 'GET' | 'POST'
  body?: string
  socketPath?: string
}

/** One plain HTTP request, redirects not followed. Rejects on time-out, on a broken connection, and with `signal.reason`. */
export async function requestHttp(url: string, options: HttpOptions): Promise<HttpAnswer> {
  const { signal, timeoutMs, host, maxBytes = 4 * 1024 ** 2 } = options
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    return await new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          method: options.method ?? 'GET',
          headers: { ...options.headers, ...(host && { host }) },
          signal: limited,
          agent: false,
          ...(options.socketPath && { socketPath: options.socketPath }),
        },
        (response) => {
          const chunks: Buffer[] = []
          let size = 0
          const done = () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('utf8'),
            })
          response.on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            size += chunk.length
            if (size < maxBytes) return
            done()
            response.destroy()
          })
          response.on('end', done)
          response.on('error', reject)
        },
      )
      sent.on('error', reject)
      sent.end(options.body)
    })
  } catch (error) {
    signal.throwIfAborted()
    if (limited.aborted) throw new Error(`no answer within ${timeoutMs} ms`, { cause: error })
    throw error
  }
}
