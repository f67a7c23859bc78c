import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { TaskError } from '../tasks/task.ts'
import { requestHttp } from './http-request.ts'

const readyWithinMs = 20_000
const pollMs = 50

/** Caddy's admin API, on its Unix socket. */
export interface ProxyAdmin {
  /**
   * Puts a configuration in force, waiting for a Caddy that is still starting. One that is in force already changes
   * nothing.
   *
   * @throws TaskError `proxy-failed`
   */
  load(config: object, signal: AbortSignal): Promise<void>
  /**
   * Requests under way by the address they went to, also those of configurations that are no longer in force.
   *
   * @throws what the connection throws, when nobody answers.
   */
  listRequests(signal: AbortSignal): Promise<Map<string, number>>
}

const upstreamsSchema = z.array(z.object({ address: z.string(), num_requests: z.int() }))

/** @param describe the end of the proxy's log, for a failure. */
export function createProxyAdmin(socketPath: string, describe: () => Promise<string>): ProxyAdmin {
  const ask = (path: string, signal: AbortSignal, body?: string) =>
    requestHttp(`http://127.0.0.1${path}`, {
      signal,
      timeoutMs: 10_000,
      socketPath,
      ...(body !== undefined && { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    })

  return {
    async load(config, signal) {
      const body = JSON.stringify(config)
      const deadline = performance.now() + readyWithinMs
      for (;;) {
        try {
          const answer = await ask('/load', signal, body)
          if (answer.status === 200) return
          throw new TaskError('proxy-failed', `the proxy refused its routes: ${answer.body.slice(0, 500)}`)
        } catch (error) {
          if (error instanceof TaskError || signal.aborted) throw error
          if (performance.now() > deadline)
            throw new TaskError(
              'proxy-failed',
              `the proxy does not take its routes: ${(error as Error).message}; ${await describe()}`,
              { cause: error },
            )
          await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
        }
      }
    },
    async listRequests(signal) {
      const { status, body } = await ask('/reverse_proxy/upstreams', signal)
      if (status !== 200) throw new Error(`the proxy does not say what is under way: ${status}`)
      const requests = new Map<string, number>()
      for (const { address, num_requests } of upstreamsSchema.parse(JSON.parse(body)))
        requests.set(address, (requests.get(address) ?? 0) + num_requests)
      return requests
    },
  }
}
