import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { answers, type Failure, playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// A build that somebody started for a branch, and that ends before its commit was resolved, says which commit it was.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
const { commit, commitMessage } = answers.resolve

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
}, 120_000)
afterAll(() => server?.close())

async function builtWith(failure: Failure) {
  const { runId, number } = await arrangeBuild(server.context, tenant, 'main')
  await playRun(server.context, tenant, runId, { lines: 0, failures: { resolve: failure } })
  const read = async (...words: string[]) => JSON.parse((await runCli([...words, '--json'], env)).stdout)
  const builds: { number: number; commit: string }[] = await read('build', 'list', 'shop')
  return {
    shown: await read('build', 'show', `shop/${number}`),
    listed: builds.find((build) => build.number === number),
  }
}

test.each(['failed', 'timed-out'] as const)('a build whose sources were read and that %s', async (status) => {
  const { shown, listed } = await builtWith({
    status,
    reason: 'manifest-invalid',
    error: 'desk/__manifest__.py:1: no such field',
    found: { commit, commitMessage },
  })
  expect(listed).toMatchObject({ commit })
  expect(shown).toMatchObject({ commit, commitMessage, status })
})

test('one whose sources could not be read has none to say', async () => {
  const failure = { status: 'failed', reason: 'branch-missing', error: 'there is no such branch' } as const
  const { listed } = await builtWith(failure)
  expect([listed?.number, listed?.commit || '']).toEqual([3, ''])
})
