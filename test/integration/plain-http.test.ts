import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../server/app.ts'
import type { Config } from '../../server/config.ts'
import { runCli } from '../support/cli.ts'
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { startTestServer } from '../support/server.ts'

// Who may speak plain HTTP, on both ends of it. An address of this machine's that is not loopback stands for the
// network: what connects to it comes from it.

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && !one.internal && one.family === 'IPv4')?.address as string

let database: TestDatabase
const stopping = new AbortController()
const apps: FastifyInstance[] = []

beforeAll(async () => {
  expect(outside, 'this machine has an IPv4 address besides loopback').toBeDefined()
  database = await startTestDatabase()
})
afterAll(async () => {
  stopping.abort()
  for (const app of apps) await app.close()
  await database?.close()
})

async function listen(overrides: Partial<Config>): Promise<string> {
  const { context } = database
  const app = await createApp({ ...context, config: { ...context.config, ...overrides } }, stopping.signal)
  apps.push(app)
  await app.listen({ host: '0.0.0.0', port: 0 })
  return String((app.server.address() as { port: number }).port)
}

const ask = async (address: string, port: string) => {
  const answer = await fetch(`http://${address}:${port}/healthz`)
  return { status: answer.status, text: await answer.text() }
}

test('the API answers this machine and its proxies, and tells others to use TLS', async () => {
  const port = await listen({ publicUrl: 'https://fairway.example' })
  expect(await ask('127.0.0.1', port)).toMatchObject({ status: 200 })
  expect(await ask(outside, port)).toMatchObject({
    status: 403,
    text: expect.stringContaining('use https://fairway.example'),
  })
  expect(await ask(outside, await listen({ trustedProxies: [`${outside}/32`] }))).toMatchObject({
    status: 200,
  })
  expect(await ask(outside, await listen({ insecureHttp: true }))).toMatchObject({ status: 200 })
})

test('the server does not start with its API in the open, and says what to do', async () => {
  const env = { PATH: process.env.PATH, FAIRWAY_DATA_DIR: '/nonexistent', FAIRWAY_API_LISTEN: '0.0.0.0' }
  const failed = await run(process.execPath, [main], { env }).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('FAIRWAY_API_LISTEN=127.0.0.1') })
}, 60_000)

test('the command line sends no token in the clear, unless told', async () => {
  const port = await listen({ insecureHttp: true })
  const env = {
    FAIRWAY_SERVER: `http://${outside}:${port}`,
    FAIRWAY_TOKEN: 'ft_secret',
    XDG_CONFIG_HOME: '/nonexistent',
  }
  for (const args of [['whoami'], ['login', '--token', 'ft_secret'], ['login', '--code', 'fc_secret']]) {
    const { code, stderr } = await runCli(args, env)
    expect([code, stderr]).toEqual([2, expect.stringContaining('plain HTTP')])
  }
  const told = await runCli(['whoami'], { ...env, FAIRWAY_INSECURE_HTTP: '1' })
  expect(told).toMatchObject({ code: 4, stderr: expect.not.stringContaining('plain HTTP') })
})

test('owners are told what is not well with the configuration, and nobody else', async () => {
  const warnings = ['Previews are of one site with production (example.com).']
  const server = await startTestServer({ warnings })
  try {
    const { organizationId, token } = await server.createTenant('people')
    const developer = await server.createMember(organizationId, 'dev', 'developer')
    const as = (who: string) => ({
      FAIRWAY_SERVER: server.url,
      FAIRWAY_TOKEN: who,
      XDG_CONFIG_HOME: '/nonexistent',
    })
    for (const args of [['host', 'list'], ['whoami']]) {
      expect((await runCli(args, as(token))).stderr).toContain(`The server: ${warnings[0]}`)
      expect((await runCli(args, as(developer))).stderr).not.toContain('The server:')
    }
    const { stdout } = await runCli(['whoami', '--json'], as(token))
    expect(JSON.parse(stdout)).toMatchObject({ serverAdvice: warnings })
  } finally {
    await server.close()
  }
})
