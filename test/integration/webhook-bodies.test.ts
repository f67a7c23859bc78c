import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'
import { githubPush, postGithub } from '../support/webhooks.ts'

// Bodies as large as a forge sends, and larger ones, and those that do not end.

let server: TestServer
const warnings: Record<string, unknown>[] = []

beforeAll(async () => {
  server = await startTestServer()
  server.context.log.warn = (about: unknown) => void warnings.push(about as Record<string, unknown>)
  const { organizationId } = await server.createTenant('hooked')
  await arrangeTenant(server.context, organizationId, 'shop')
}, 120_000)
afterAll(() => server?.close())

const send = (text: string) => postGithub(server, 'shop-webhook-secret', text)

/** Headers of somebody who knows no secret. */
const unproven = {
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-github-delivery': randomUUID(),
  'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
}

const megabytes = 1024 * 1024
const large = (branch: string, bytes: number) => {
  const start = JSON.stringify(githubPush({ full_name: 'shop/odoo' }, branch, { padding: '' })).slice(0, -2)
  return `${start}${'x'.repeat(bytes - start.length - 2)}"}`
}

test('is taken, at the limit and below', async () => {
  for (const [branch, bytes] of [
    ['feature/large', 5 * megabytes],
    ['feature/largest', 25 * megabytes],
  ] as const) {
    expect((await send(large(branch, bytes))).answer.outcome).toBe('build-queued')
  }
})

test('is refused beyond it, said beforehand or not, and so is one that is cut off', async () => {
  const url = new URL('/webhooks/github', server.url)
  const tell = async (headers: Record<string, string>, chunks: Iterable<Buffer>) => {
    const request = httpRequest(url, {
      method: 'POST',
      headers: { ...unproven, ...headers },
    })
    const answered = once(request, 'response').then(([response]) => (response as IncomingMessage).statusCode)
    request.on('error', () => undefined)
    request.flushHeaders()
    for (const chunk of chunks) request.write(chunk)
    return { request, answered }
  }
  const declared = await tell({ 'content-length': String(26 * megabytes) }, [])
  expect(await declared.answered).toBe(413)
  declared.request.destroy()

  const chunk = Buffer.alloc(megabytes, 'x')
  const streamed = await tell({ 'transfer-encoding': 'chunked' }, Array(26).fill(chunk))
  expect(await streamed.answered).toBe(413)
  streamed.request.destroy()

  const cut = await tell({ 'content-length': '1000' }, [])
  cut.answered.catch(() => undefined)
  await new Promise((resolve) => cut.request.write('{"repository":', resolve))
  cut.request.destroy()
  await waitFor('the cut-off body to be on record', () => warnings.some(({ fault }) => fault === 'cut-off'))
  const faults = warnings.map(({ fault }) => fault)
  expect(faults.filter((fault) => fault === 'too-large')).toHaveLength(2)
  expect(warnings.at(-1)).toMatchObject({ sinceStart: { 'too-large': 2, 'cut-off': 1 } })
})

test('is not held for more senders than the server has room for', async () => {
  const url = new URL('/webhooks/github', server.url)
  const body = Buffer.alloc(24 * megabytes, 'x')
  const senders = Array.from({ length: 4 }, () => {
    const headers = { ...unproven, 'content-length': String(25 * megabytes) }
    const request = httpRequest(url, { method: 'POST', headers })
    request.on('error', () => undefined)
    request.write(body)
    return request
  })
  const [response] = (await Promise.race(senders.map((sender) => once(sender, 'response')))) as [
    IncomingMessage,
  ]
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '60'])
  for (const sender of senders) sender.destroy()
  await waitFor('room again', async () => {
    const { status } = await send(large('feature/after-storm', 20 * megabytes))
    return status === 202
  })
})
