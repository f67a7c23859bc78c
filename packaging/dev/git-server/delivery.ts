import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebhookEvent } from './payloads.ts'

export type Webhook = { url: string; secret: string }

const attempts = 6
const firstPauseMs = 200
const answerWithinMs = 10_000

/**
 * Sends events one after the other, signed as GitHub signs them. One that fails is said on standard error and tried
 * again with growing pauses (about 6 s in all), under the same delivery id.
 */
export function createDelivery({ url, secret }: Webhook) {
  const stop = new AbortController()
  let last = Promise.resolve()

  async function deliver(event: WebhookEvent): Promise<void> {
    const body = Buffer.from(JSON.stringify(event.payload))
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/fairway-dev',
      'x-github-event': event.name,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    }
    for (let attempt = 1; attempt <= attempts && !stop.signal.aborted; attempt++) {
      const failure = await post(headers, body)
      if (!failure) return
      process.stderr.write(`git server: ${event.name} webhook to ${url}, attempt ${attempt}: ${failure}\n`)
      if (attempt < attempts) await pause(firstPauseMs * 2 ** (attempt - 1))
    }
  }

  async function post(
    headers: Record<string, string>,
    body: Buffer<ArrayBuffer>,
  ): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(answerWithinMs)
      const response = await fetch(url, { method: 'POST', headers, body, signal })
      const answer = await response.text()
      return response.ok ? undefined : `HTTP ${response.status} ${answer.slice(0, 200)}`
    } catch (error) {
      const { message, cause } = error as Error
      return cause instanceof Error ? `${message}: ${cause.message}` : message
    }
  }

  async function pause(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: stop.signal })
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  }

  return {
    send(event: WebhookEvent): void {
      last = last.then(() => deliver(event))
    },
    /** Give up waiting retries and wait for the delivery in progress. */
    async close(): Promise<void> {
      stop.abort()
      await last
    },
  }
}
