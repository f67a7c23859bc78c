import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { notify } from '../../server/db/signals.ts'
import { runCli, startCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  type ArrangedBuild,
  arrangeBuild,
  arrangeLogs,
  arrangeTenant,
  finishBuild,
  type Tenant,
} from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

// Commands that stay until something has happened: they follow logs, watch builds, wait for runs.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
})

afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)

describe('logs', () => {
  test('history and tail are one: every line once, in order, until the build ends', async () => {
    const build = await arrangeBuild(server.context, tenant, 'feature/logs')
    const logs = await arrangeLogs(server.context, tenant, build, 'resolve')
    const texts = Array.from({ length: 60 }, (_, index) => `line ${index}`)
    await logs.write(texts.slice(0, 20))
    const running = startCli(['logs', `shop/${build.number}`, '-f', '--json'], env)
    await waitFor('the history', () => running.stdout().includes('line 19'))
    for (let at = 20; at < 60; at += 10) {
      await logs.write(texts.slice(at, at + 10))
      await tenant.scope((tx) => notify(tx, { kind: 'log', id: logs.streamId }))
    }
    await waitFor('the tail', () => running.stdout().includes('line 59'))
    // The result is in, and with it how many lines there are; the last of them is still on its way.
    await logs.expect(61)
    await finishBuild(tenant, build)
    await tenant.scope((tx) => notify(tx, { kind: 'run', id: build.runId }))
    await logs.write(['the last word'])
    const { code, stdout } = await running.end
    expect(code).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; step: string; source: string; time: string })
    expect(lines.map(({ text }) => text)).toEqual([...texts, 'the last word'])
    expect(lines[0]).toMatchObject({ step: 'resolve', source: 'odoo' })
  })

  test('step, tail, since and gaps', async () => {
    const build = await arrangeBuild(server.context, tenant, 'feature/more-logs')
    const resolve = await arrangeLogs(server.context, tenant, build, 'resolve')
    const image = await arrangeLogs(server.context, tenant, build, 'image')
    await resolve.write(['r1', 'r2'])
    await resolve.write(['r3'])
    await image.write(['i1', 'i2'], 7)
    const read = async (...words: string[]) =>
      (await cli('logs', `shop/${build.number}`, '--json', ...words)).stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { text: string }).text)
    expect(await read()).toEqual(['r1', 'r2', 'r3', 'i1', 'i2'])
    expect(await read('--step', 'resolve')).toEqual(['r1', 'r2', 'r3'])
    expect(await read('--tail', '3')).toEqual(['r3', 'i1', 'i2'])
    expect(await read('--since', '1h')).toHaveLength(5)
    expect(await read('--since', '2100-01-01T00:00:00Z')).toEqual([])
    expect((await cli('logs', `shop/${build.number}`)).stdout).toContain('7 lines are missing here')
  })

  test('Ctrl-C ends a follower with 130', async () => {
    const build = await arrangeBuild(server.context, tenant, 'feature/endless')
    await (await arrangeLogs(server.context, tenant, build, 'resolve')).write(['first'])
    const running = startCli(['logs', `shop/${build.number}`, '-f'], env)
    await waitFor('the first line', () => running.stdout().includes('first'))
    running.kill('SIGINT')
    expect((await running.end).code).toBe(130)
  })
})

describe('watching', () => {
  test('a green build is 0, a red one 1, with the steps as lines', async () => {
    const green = await arrangeBuild(server.context, tenant, 'feature/green')
    await arrangeLogs(server.context, tenant, green, 'resolve')
    const watching = startCli(['build', 'watch', `shop/${green.number}`], env)
    await waitFor('the build', () => watching.stdout().includes('feature/green'))
    await tenant.scope((tx) =>
      tx
        .updateTable('steps')
        .set({ status: 'succeeded', started_at: new Date(), finished_at: new Date() })
        .where('run_id', '=', green.runId)
        .execute(),
    )
    await finishBuild(tenant, green)
    const { code, stdout } = await watching.end
    expect(code).toBe(0)
    expect(stdout).toMatch(/^resolve succeeded/m)

    const red = await arrangeBuild(server.context, tenant, 'feature/red')
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({
          status: 'failed',
          result: 'red',
          reason: 'tests failed',
          advance_at: null,
          finished_at: new Date(),
        })
        .where('id', '=', red.runId)
        .execute(),
    )
    const ended = await cli('build', 'watch', `shop/${red.number}`)
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('tests failed')
    expect(ended.stderr).toContain(`fairway logs shop/${red.number}`)
  })
})

describe('stop, start and destroy', () => {
  async function arrangeServed(branch: string): Promise<ArrangedBuild> {
    const build = await arrangeBuild(server.context, tenant, branch)
    await finishBuild(tenant, build)
    return build
  }
  const finishRun = (id: string, status: 'succeeded' | 'failed', reason = '') =>
    tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ status, reason, advance_at: null, finished_at: new Date() })
        .where('id', '=', id)
        .execute(),
    )
  const queuedRun = (environmentId: string) =>
    waitFor('the run', () =>
      tenant.scope((tx) =>
        tx
          .selectFrom('runs')
          .select(['id', 'kind'])
          .where('environment_id', '=', environmentId)
          .where('status', '=', 'queued')
          .executeTakeFirst(),
      ),
    )

  test('they wait for their run, and say how it ended', async () => {
    const { environmentId } = await arrangeServed('feature/stop')
    const stopping = startCli(['env', 'stop', 'shop/feature/stop', '--yes'], env)
    const run = await queuedRun(environmentId)
    expect(run.kind).toBe('stop')
    const again = await cli('env', 'stop', 'shop/feature/stop', '--yes', '--no-wait')
    expect(again.stderr).toContain(`The same is under way already, as run ${run.id}`)
    const busy = await cli('env', 'destroy', 'shop/feature/stop', '--yes')
    expect(busy.code).toBe(5)
    expect(busy.stderr).toContain('under way')
    await finishRun(run.id, 'succeeded')
    const { code, stdout } = await stopping.end
    expect(code).toBe(0)
    expect(stdout).toContain('is stopped')

    const failing = startCli(['env', 'destroy', 'shop/feature/stop', '--yes'], env)
    await finishRun((await queuedRun(environmentId)).id, 'failed', 'the host is away')
    const failed = await failing.end
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('failed: the host is away')
    expect(failed.stderr).toContain('Its logs: fairway logs ')
  })

  test('production is destroyed with its name as confirmation only', async () => {
    const { environmentId } = await arrangeServed('main')
    const refused = await cli('env', 'destroy', 'shop', 'production', '--yes')
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain('--confirm production')
    expect((await cli('env', 'destroy', 'shop', 'main', '--yes', '--confirm', 'main')).code).toBe(5)
    const { stdout } = await cli(
      ...['env', 'destroy', 'shop', 'production', '--yes', '--confirm', 'production', '--no-wait', '--json'],
    )
    expect((JSON.parse(stdout) as { runId: string }).runId).toBe((await queuedRun(environmentId)).id)
  })
})
