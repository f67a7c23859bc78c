import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunKind } from '../../server/db/tables/runs.ts'
import { runCli, startCli } from '../support/cli.ts'
import { type Play, playRun } from '../support/play-run.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

// A release manager's session with a real server and its engine, from plan to rollback; the agent's part is played.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

const observation = {
  odooMs: '9000',
  schema: [{ kind: 'column', change: 'added', table: 'res_partner', name: 'points', detail: 'integer' }],
  issues: [{ fingerprint: 'f1', level: 'ERROR', logger: 'odoo.shop', sample: 'it hurts\u001b[2J', count: 2 }],
}
const answers: NonNullable<Play['answers']> = {
  applyModules: { durationMs: '9500', observation },
  startRuntime: { durationMs: '2000' },
  smoke: { checks: [{ name: 'health', passed: true, durationMs: '300' }] },
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', copyMs: '100', bytes: '5' },
  inspectCell: { changedRows: '3', changes: [{ table: 'sale_order', rows: '3' }] },
}

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
  await playBuild(server.context, tenant, 'main', 'one')
  await playBuild(server.context, tenant, releaseBranch, 'two')
})
afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)

/** Starts a command, plays the runs of those kinds that it waits for, and gives how it ended. */
async function played(words: string[], ...kinds: RunKind[]) {
  const running = startCli(words, env)
  let runId = ''
  for (const kind of kinds) {
    const run = await waitFor(`a run: ${kind}`, () =>
      tenant.scope((tx) =>
        tx
          .selectFrom('runs')
          .select('id')
          .where('kind', '=', kind)
          .where('status', '=', 'queued')
          .executeTakeFirst(),
      ),
    )
    runId = run.id
    await playRun(server.context, tenant, runId, { lines: 0, answers })
  }
  return { ...(await running.end), runId }
}

test('from plan to rollback', async () => {
  expect((await cli('release', 'plan', 'shop')).stdout).toContain('1 module is updated, production is away')
  expect((await cli('release', 'request', 'shop')).code).toBe(5)
  const rehearsal = await played(['release', 'rehearse', 'shop', releaseBranch], 'rehearse')
  expect(rehearsal.code).toBe(0)
  expect(rehearsal.stdout).toContain('yellow: production would be away for about 15 s')
  expect(rehearsal.stdout).toContain('Odoo logs a new ERROR: it hurts')
  expect((await cli('release', 'rehearsal', rehearsal.runId)).stdout).toContain('+ column points')
  const requested = await cli('release', 'request', 'shop', '--note', 'ticket 812')
  expect(requested.stdout).toMatch(/Approval [0-9a-f]{8} is open/)
  const promoted = await played(['release', 'promote', 'shop', '--yes'], 'promote')
  expect(promoted.code).toBe(0)
  expect(promoted.stdout).toContain('production serves build 2')
  const history = await cli('release', 'history', 'shop')
  expect(history.stdout).toContain('serves now')
  const refused = await cli('rollback', 'shop', '--yes')
  expect(refused.code).toBe(5)
  expect(refused.stderr).toContain('Two ways on:')
  const back = await played(['rollback', 'shop', '--with-data', '--yes'], 'inspect', 'rollback')
  expect(back.code).toBe(0)
  expect(back.stdout).toMatch(/3 rows written in the .* would be lost: sale_order 3\./)
  expect(back.stdout).toContain('production serves build 1')
  const forced = await played(['rollback', 'shop', '--to', '2', '--yes', '--force', '--json'], 'rollback')
  expect(JSON.parse(forced.stdout)).toMatchObject({ run: { status: 'succeeded' }, release: { build: 2 } })
}, 180_000)
