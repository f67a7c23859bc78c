import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import fastify from 'fastify'
import { expect, test } from 'vitest'
import { explainListenFault } from './listen-fault.ts'

const doorOf = (host: string, port: number) => ({
  host,
  port,
  hostVariable: 'FAIRWAY_API_LISTEN',
  portVariable: 'FAIRWAY_API_PORT',
})
const listenOnHttp = (host: string, port: number) => fastify().listen({ host, port })
const listenOnGrpc = (host: string, port: number) =>
  new Promise((resolve, reject) => {
    new Server().bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })

test.each([
  ['the API', listenOnHttp],
  ['the link', listenOnGrpc],
])('%s says whose port it is, and which address it lacks', async (_, listen) => {
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  const { port } = busy.address() as AddressInfo
  const explain = (host: string) =>
    listen(host, port).catch((error: unknown) => explainListenFault(error, doorOf(host, port)))
  try {
    expect(String(await explain('127.0.0.1'))).toContain(
      `Port ${port} of 127.0.0.1 is taken by another program: end that one (\`ss -ltnp 'sport = :${port}'\` names it), or set FAIRWAY_API_PORT`,
    )
    expect(String(await explain('203.0.113.7'))).toContain(
      'is no address of this machine: set FAIRWAY_API_LISTEN',
    )
  } finally {
    busy.close()
  }
})

test('what else goes wrong is said as it is', () => {
  const error = new Error('out of memory')
  expect(explainListenFault(error, doorOf('127.0.0.1', 1))).toBe(error)
})
