import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { create } from '@bufbuild/protobuf'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tailLogs } from '../../agent/containers/docker.ts'
import { requestHttp } from '../../agent/containers/http-request.ts'
import { networkName } from '../../agent/containers/networks.ts'
import { findAddress, runtimeName } from '../../agent/containers/odoo.ts'
import { httpPort } from '../../agent/containers/odoo-options.ts'
import { followRuntimeLogs } from '../../agent/containers/runtime-logs.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { assertNeutral } from '../../agent/neutralize/assertions.ts'
import type { TaskInput } from '../../agent/tasks/task.ts'
import {
  BuildImageTaskSchema,
  CellStage,
  CreateCellTaskSchema,
  NeutralizeTaskSchema,
  type ResolveOutput,
  ResolveTaskSchema,
  type RuntimeSpec,
  RuntimeSpecSchema,
  SmokeTaskSchema,
  StartRuntimeTaskSchema,
  StopRuntimeTaskSchema,
  SwitchRouteTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { TestRepository } from '../support/git-server.ts'
import { createMemorySink } from '../support/memory-sink.ts'
import { addonFiles } from '../support/odoo-addons.ts'
import { createOdooHost, type OdooHost } from '../support/odoo-host.ts'
import { ownImages, registry } from '../support/odoo-services.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'
import { askForWebsocket } from '../support/websocket.ts'

// One commit on its way to a running, checked, routed Odoo. The cases share its cell and go in order.

let host: OdooHost
let services: OdooHost['services']
let run: OdooHost['run']
let repository: TestRepository
let resolved: ResolveOutput
let image: string
let runtime: RuntimeSpec
const cellId = randomUUID()
const environmentId = randomUUID()
const hostname = 'feature-x.shop.example.test'
const never = new AbortController().signal

beforeAll(async () => {
  host = await createOdooHost()
  ;({ services, run } = host)
  repository = await host.server.createRepository('shop')
}, 60_000)

afterAll(() => host?.[Symbol.asyncDispose](), 60_000)

const apply = (input: Partial<TaskInput<'applyModules'>>, task?: RecordedTask) =>
  host.apply({ cellId, image, ...input }, task)
const visit = (host: string, path = '/web/login') =>
  requestHttp(`http://127.0.0.1:${services.proxy.port}${path}`, { host, signal: never, timeoutMs: 30_000 })

describe.sequential('from a commit to an image', () => {
  test('a commit is resolved without running anything', async () => {
    const glue = {
      'addons/fw_glue/__init__.py': '',
      // Waits for nothing but what the image brings.
      'addons/fw_glue/__manifest__.py': "{'name': 'x', 'depends': ['web'], 'auto_install': True}\n",
    }
    const commit = await repository.commit({ ...addonFiles, ...glue }, { message: 'Add addons' })
    const task = createTask()
    resolved = await run(
      'resolve',
      create(ResolveTaskSchema, {
        repositoryUrl: repository.url,
        branch: 'main',
        stage: CellStage.DEVELOPMENT,
        odooVersion: '19.0',
        defaultBaseImage: `${registry}/fairway/odoo:19.0`,
        imageRules: ownImages,
        imageRepository: `${registry}/test/shop`,
      }),
      task,
    )
    expect(resolved).toMatchObject({ commit, modules: ['fw_good'], commitMessage: 'Add addons' })
    expect(resolved.addons.map(({ name }) => name)).toEqual([
      'fw_broken',
      'fw_failing',
      'fw_glue',
      'fw_good',
      'fw_print',
      'fw_skin',
    ])
    const { closure, autoInstalled } = resolved
    expect(closure.filter((name) => !autoInstalled.includes(name))).toEqual(['base', 'web', 'fw_good'])
    expect(resolved.baseModules).toEqual(closure.filter((name) => !name.startsWith('fw_')))
    expect(autoInstalled).toContain('fw_glue')
    expect(resolved.baseImage).toMatch(/@sha256:[0-9a-f]{64}$/)
    expect(task.artifacts.get('lock.json')).toContain(commit)
  }, 60_000)

  test('what does not close names who needs it', async () => {
    const other = await host.server.createRepository('open')
    await other.commit({
      'a/__init__.py': '',
      'a/__manifest__.py': "{'name': 'a', 'depends': ['sael']}",
    })
    const input = create(ResolveTaskSchema, {
      repositoryUrl: other.url,
      branch: 'main',
      stage: CellStage.STAGING,
      defaultBaseImage: `${registry}/fairway/odoo:19.0`,
      imageRules: ownImages,
    })
    await expect(run('resolve', input)).rejects.toMatchObject({
      reason: 'dependency-missing',
      message: expect.stringMatching(
        /sael \(needed by a → sael; did you mean sale\?\); looked in the repository .* and the image/,
      ),
    })
  }, 60_000)

  test('an image is built once for a key, and pushed', async () => {
    // A key of its own for each run of the tests, or the registry would have it from the last one.
    const imageKey = randomUUID().replaceAll('-', '').repeat(2)
    const input = create(BuildImageTaskSchema, {
      repositoryUrl: repository.url,
      commit: resolved.commit,
      baseImage: resolved.baseImage,
      imageRules: ownImages,
      addons: resolved.addons,
      imageKey,
      imageRepository: `${registry}/test/shop`,
    })
    const built = await run('buildImage', input)
    expect(built).toMatchObject({ built: true, reference: `${registry}/test/shop@${built.digest}` })
    expect(await run('buildImage', input)).toMatchObject({ built: false, reference: built.reference })
    image = built.reference
    host.built(image)
    const changed = resolved.addons.map((addon) => ({ ...addon, treeId: '0'.repeat(40) }))
    const mismatch = create(BuildImageTaskSchema, { ...input, addons: changed, imageKey: 'f'.repeat(64) })
    await expect(run('buildImage', mismatch)).rejects.toMatchObject({ reason: 'lock-mismatch' })
  }, 120_000)
})

describe.sequential('modules are applied and judged', () => {
  test('a good one is installed and tested', async () => {
    await run(
      'createCell',
      create(CreateCellTaskSchema, {
        cellId,
        environmentId,
        stage: CellStage.DEVELOPMENT,
        postgresImage: `${registry}/fairway/postgres:18`,
      }),
    )
    const task = createTask()
    // In two steps, as previews are filled.
    const { baseImage, baseModules, closure } = resolved
    await apply({ image: baseImage, install: baseModules, expectInstalled: baseModules })
    const install = closure.filter((name) => !baseModules.includes(name))
    const output = await apply({ install, testTags: '/fw_good', expectInstalled: closure }, task)
    expect(output.tests).toMatchObject({ ran: true, total: 1, failed: 0, errors: 0 })
    // What Odoo installed by itself is what was said of it, to the module.
    expect([...output.installed].sort()).toEqual([...resolved.closure].sort())
    expect(task.lines.some(({ source, text }) => source === 'odoo' && text.includes('fw_good'))).toBe(true)
    expect(JSON.parse(task.artifacts.get('tests.json') ?? '')).toMatchObject({ total: 1 })
  }, 180_000)

  test('tests that fail are named', async () => {
    const failing = apply({ install: ['fw_failing'], testTags: '/fw_failing' })
    await expect(failing).rejects.toMatchObject({
      reason: 'tests-failed',
      message: expect.stringMatching(
        /1 failed and 0 broken of 2 tests: fw_failing: TestPrice\.test_total: AssertionError: 1 != 2 : the total is wrong/,
      ),
    })
  }, 60_000)

  test('a broken view is named with file and line', async () => {
    await expect(apply({ install: ['fw_broken'] })).rejects.toMatchObject({
      reason: 'data-invalid',
      message:
        'module fw_broken: Field "no_such_field" does not exist in model "res.partner" (fw_broken/views/broken.xml:2)',
    })
  }, 60_000)

  test('a module that nobody knows is caught, although Odoo ends with 0', async () => {
    await expect(apply({ install: ['fw_nowhere'] })).rejects.toMatchObject({
      reason: 'modules-unknown',
      message: expect.stringContaining('fw_nowhere'),
    })
  }, 60_000)

  test('tests that match nothing do not count, and what is not installed is found in the database', async () => {
    const task = createTask()
    const output = await apply({ update: ['fw_good'], testTags: '/fw_good:TestNothing' }, task)
    expect(output.tests).toMatchObject({ ran: false, total: 0 })
    expect(task.warnings.join()).toContain('no test was run')
    await expect(apply({ expectInstalled: ['fw_good', 'fw_broken'] })).rejects.toMatchObject({
      reason: 'modules-not-installed',
      message: expect.stringContaining('fw_broken (uninstalled)'),
    })
  }, 60_000)
})

describe.sequential('neutralization is proven', () => {
  const neutralize = () => run('neutralize', create(NeutralizeTaskSchema, { cellId, image, assert: true }))

  test('by asking the data, and what it passes by is named', async () => {
    const output = await neutralize()
    expect(output.assertions.length).toBeGreaterThan(3)
    expect(output.assertions.every(({ passed }) => passed)).toBe(true)
    expect(output.uncoveredModules).toEqual(['fw_good'])
  }, 60_000)

  test('a job that was switched on again is found', async () => {
    const cell = await services.pool.requireCell(cellId)
    const failed = await withSuperuser(
      cell,
      async (database) => {
        await database.query('begin')
        await database.query('update ir_cron set active = true')
        await database.query("update ir_mail_server set smtp_host = 'mail.example.test'")
        const results = await assertNeutral(database, { passwords: 'disable', secretSha256: undefined })
        await database.query('rollback')
        return results.filter(({ passed }) => !passed).map(({ name }) => name)
      },
      { database: DATABASE },
    )
    expect(failed).toEqual(
      expect.arrayContaining(['no scheduled job but the vacuum', 'no mail server but the disabling dummy']),
    )
  })

  test('production is refused, whoever asks', async () => {
    const { paths: _, ...record } = await services.pool.requireCell(cellId)
    await services.pool.saveCell({ ...record, stage: 'production' })
    await expect(neutralize()).rejects.toMatchObject({ reason: 'production-protected' })
    await services.pool.saveCell(record)
  })
})

describe.sequential('a runtime is checked before it is shown', () => {
  test('it starts, and starting it again changes nothing', async () => {
    runtime = create(RuntimeSpecSchema, {
      runtimeId: randomUUID(),
      environmentId,
      cellId,
      image,
      stage: CellStage.DEVELOPMENT,
      logStreamId: 'runtime-stream',
      project: 'shop',
      environment: 'feature-x',
      variables: { ODOO_STAGE: 'dev', SMTP_HOST: 'smtp.example' },
    })
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime, inspection: { bundles: true } }))
    const { State } = await services.docker.docker.getContainer(runtimeName(runtime.runtimeId)).inspect()
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime }))
    const again = await services.docker.docker.getContainer(runtimeName(runtime.runtimeId)).inspect()
    expect(again.State.StartedAt).toBe(State.StartedAt)
    expect(again.HostConfig.CapDrop).toEqual(['ALL'])
    expect(again.Config.Env).toEqual(expect.arrayContaining(['ODOO_STAGE=dev', 'SMTP_HOST=smtp.example']))
  }, 90_000)

  test('its smoke tests pass, and a failing one is named', async () => {
    const input = { runtime, hostnames: [hostname] }
    const task = createTask()
    const { checks } = await run(
      'smoke',
      create(SmokeTaskSchema, {
        ...input,
        checks: [{ path: '/web/login', contains: 'Password' }],
        inspection: { bundles: true },
      }),
      task,
    )
    expect(task.warnings).toEqual([])
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
      ['health', true],
      ['registry', true],
      ['login page', true],
      ['modules', true],
      ['scheduled jobs', true],
      ['/web/login', true],
      ['models', true],
      ['web client', true],
      ['log', true],
    ])
    expect(checks.map(({ detail }) => detail).join()).toMatch(
      /\d+ models fit the database,2 style sheets and scripts load, in en_US,no warning and no error/,
    )
    const failing = run('smoke', create(SmokeTaskSchema, { ...input, checks: [{ path: '/nowhere' }] }))
    await expect(failing).rejects.toMatchObject({
      reason: 'smoke-failed',
      message: expect.stringContaining('/nowhere: answers 404 instead of 200'),
    })
  }, 60_000)

  test('code that the database does not fit is named with the module to update', async () => {
    const change = (...statements: string[]) =>
      services.pool.requireCell(cellId).then((cell) =>
        withSuperuser(
          cell,
          async (database) => {
            for (const statement of statements) await database.query(statement)
          },
          { database: DATABASE },
        ),
      )
    await change(
      'alter table fw_good rename column carrier_api_key to gone',
      'alter table fw_good alter column name type int using null',
      'alter table fw_good_res_partner_rel rename to gone',
    )
    const inspection = { bundles: false }
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime, inspection }))
    const { message } = (await run('smoke', create(SmokeTaskSchema, { runtime, inspection })).catch(
      (error: Error) => error as Error & { checks?: unknown },
    )) as Error
    expect(message).toContain('1 of 7 smoke tests failed – models: the code and the database do not fit: ')
    for (const part of [
      'fw.good.carrier_api_key (module fw_good): column fw_good.carrier_api_key does not exist',
      'fw.good.name (module fw_good): its column is int4, and the code wants varchar',
      'fw.good.partner_ids (module fw_good): its table fw_good_res_partner_rel does not exist',
      ': update module fw_good',
    ])
      expect(message).toContain(part)
    await change(
      'alter table fw_good rename column gone to carrier_api_key',
      'alter table fw_good alter column name type varchar',
      'alter table gone rename to fw_good_res_partner_rel',
    )
    const left = await services.docker.docker.listContainers({
      all: true,
      filters: { label: [`fairway.agent=${services.agentId}`, 'fairway.role=inspection'] },
    })
    expect(left).toEqual([])
  }, 90_000)
})

test('a look that was ended from outside is a warning, and nothing is refused for it', async () => {
  const input = create(SmokeTaskSchema, { runtime, inspection: { bundles: true } })
  const task = createTask()
  const { checks } = await run('smoke', input, task)
  expect(checks.map(({ name, passed, detail }) => [name, passed, detail])).toEqual(
    expect.arrayContaining([
      ['models', true, 'not looked at'],
      ['web client', true, 'not looked at'],
    ]),
  )
  expect(task.warnings.join()).toContain('smoke: models: was not looked at')
}, 60_000)

describe.sequential('a route leads to it', () => {
  const route = (target: object) =>
    run(
      'switchRoute',
      create(SwitchRouteTaskSchema, { environmentId, hostnames: [hostname], target } as never),
    )

  test('from maintenance to the runtime, and only for its name', async () => {
    await route({ case: 'maintenance', value: { message: 'Soon', retryAfterSeconds: 30 } })
    const maintenance = await visit(hostname)
    expect(maintenance).toMatchObject({ status: 503, headers: { 'retry-after': '30' } })
    const output = await route({ case: 'runtimeId', value: runtime.runtimeId })
    expect(output.urls).toEqual([`http://${hostname}:${services.proxy.port}/`])
    expect(await visit(hostname)).toMatchObject({ status: 200, body: expect.stringContaining('<form') })
    expect(await visit('unknown.example.test')).toMatchObject({ status: 404 })
  }, 60_000)

  test('sixteen pages at once, and eighty people who are there, do not make it start itself anew', async () => {
    const address = await findAddress(services.docker, runtimeName(runtime.runtimeId))
    // As each browser's websocket does, each holds a thread of the server.
    const others = Array.from({ length: 80 }, () => connect(httpPort, address))
    await Promise.all(others.map((other) => once(other, 'connect')))
    const pages = await Promise.all(Array.from({ length: 16 }, () => visit(hostname)))
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    // Odoo looks at it once a minute (`ThreadedServer.run`); the highest of all time tells what it would have seen.
    const { soft, peak } = await readMemory()
    expect(peak).toBeLessThan(soft)
    for (const other of others) other.destroy()
  }, 60_000)

  /** Of the runtime's Odoo: the soft limit it was started with, and the most addresses it ever held. */
  async function readMemory() {
    // Docker's init runs beside it, with the same words behind its own.
    const script = `import glob, re
peaks = [re.search('VmPeak:[^0-9]+([0-9]+)', open(path + '/status').read()) for path in glob.glob('/proc/[0-9]*')]
soft = re.search('--limit-memory-soft=([0-9]+)', open('/proc/1/cmdline').read())[1]
print(soft, max(int(peak[1]) for peak in peaks if peak) * 1024)`
    const exec = await services.docker.docker
      .getContainer(runtimeName(runtime.runtimeId))
      .exec({ Cmd: ['python3', '-c', script], AttachStdout: true, AttachStderr: true, Tty: true })
    const said = (await (await exec.start({ Tty: true })).toArray()).map(String).join('').trim()
    expect(said).toMatch(/^\d+ \d+$/)
    const [soft = 0, peak = 0] = said.split(' ').map(Number)
    return { soft, peak }
  }

  test('no environment reaches it through the proxy', async () => {
    const proxy = await services.docker.docker.getContainer(`fairway-proxy-${services.agentId}`).inspect()
    const address = proxy.NetworkSettings.Networks[networkName(cellId)]?.IPAddress
    const script = `import urllib.request as r, urllib.error as e
try:
    print(r.urlopen(r.Request('http://${address}:8080/web/login', headers={'Host': '${hostname}'}), timeout=10).status)
except e.HTTPError as error:
    print(error.code)`
    const [status] = await services.docker.docker
      .getContainer(runtimeName(runtime.runtimeId))
      .exec({
        Cmd: ['python3', '-c', script],
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
      })
      .then(async (exec) => {
        const stream = await exec.start({ Tty: true })
        return (await stream.toArray()).map((chunk) => String(chunk).trim())
      })
    expect(status).toBe('403')
  }, 60_000)

  test('a proxy that died takes up its routes again', async () => {
    await services.docker.docker.getContainer(`fairway-proxy-${services.agentId}`).remove({ force: true })
    await services.proxy.ensure(never)
    expect((await visit(hostname)).status).toBe(200)
    await services.docker.docker.getContainer(`fairway-proxy-${services.agentId}`).kill()
    await services.proxy.ensure(never)
    expect((await visit(hostname)).status).toBe(200)
  }, 60_000)

  test('what it says goes on into its stream, each line once', async () => {
    const sink = createMemorySink()
    const stream = runtime.logStreamId
    for (const round of ['first', 'second']) {
      const controller = new AbortController()
      const following = followRuntimeLogs(
        services.docker,
        () => sink,
        pino({ level: 'silent' }),
        controller.signal,
      )
      await visit(hostname, `/web/health?round=${round}`)
      await vi.waitFor(() => expect(sink.texts(stream).join('\n')).toContain(`round=${round}`), {
        timeout: 10_000,
      })
      controller.abort()
      await following
    }
    const texts = sink.texts(stream)
    expect(texts.filter((text) => text.includes('round=first'))).toHaveLength(1)
    expect(texts.filter((text) => text.includes('HTTP service (werkzeug) running'))).toHaveLength(1)
  }, 60_000)

  test('production has workers, scheduled jobs, websockets and a way out; nothing else has', async () => {
    const { paths: _, ...record } = await services.pool.requireCell(cellId)
    const exposed = () =>
      services.docker.docker
        .getContainer(runtimeName(runtime.runtimeId))
        .inspect()
        .then(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).sort())
    expect(await exposed()).toEqual([networkName(cellId)])
    await services.pool.saveCell({ ...record, stage: 'production' })
    const production = { ...runtime, stage: CellStage.PRODUCTION, workers: 2 }
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime: production }))
    expect(await exposed()).toEqual([networkName(cellId), `fairway-egress-${services.agentId}`])
    const { checks } = await run(
      'smoke',
      create(SmokeTaskSchema, { runtime: production, hostnames: [hostname] }),
    )
    expect(checks.find(({ name }) => name === 'scheduled jobs')?.detail).toBe('Odoo waits for scheduled jobs')
    await route({ case: 'runtimeId', value: runtime.runtimeId })
    expect((await visit(hostname, '/web/login')).status).toBe(200)
    // A process of its own answers it, which nobody waits for.
    await vi.waitFor(
      async () => expect((await askForWebsocket(services.proxy.port, hostname)).status).toBe(101),
      { timeout: 30_000, interval: 500 },
    )
    // By which a stop knows that their work is over: two for requests, two for jobs.
    await run('stopRuntime', create(StopRuntimeTaskSchema, { runtimeId: runtime.runtimeId }))
    const said = await tailLogs(services.docker, runtimeName(runtime.runtimeId), 20)
    expect(said.filter((line) => /\bWorker \(\d+\) exiting\./.test(line))).toHaveLength(4)
    await services.pool.saveCell(record)
  }, 90_000)

  test('style sheets and scripts that Odoo cannot make are no success, although every page answers', async () => {
    await apply({ install: ['fw_skin', 'fw_print'], expectInstalled: ['fw_skin', 'fw_print'] })
    const addons = Object.fromEntries(resolved.addons.map(({ name, path }) => [name, path]))
    const inspection = { bundles: true, addons }
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime, inspection }))
    const task = createTask()
    const input = create(SmokeTaskSchema, { runtime, hostnames: [hostname], inspection })
    const failure = await run('smoke', input, task).then(
      () => 'green',
      (error: Error) => error.message,
    )
    expect(failure).toMatch(
      /of 8 smoke tests failed – login page: web\.assets_frontend\.min\.css: Error: Undefined variable: "\$a-colour-that-nobody-defines"[^()]* \(module fw_skin, addons\/fw_skin\/static\/src\/skin\.scss:1\)/,
    )
    const client = task.lines.find(({ text }) => text.startsWith('FAILED: web client'))?.text
    expect(client).toMatch(
      /web\.assets_web\.min\.css: Error: Undefined variable: "\$a-colour-that-nobody-defines"[^()]* \(module fw_skin, addons\/fw_skin\/static\/src\/skin\.scss:1\), as in web\.assets_web_print\.min\.css/,
    )
    for (const [bundle, place] of [
      ['web\\.report_assets_common', 'report\\.scss:2'],
      ['web\\.report_assets_pdf', 'pdf\\.scss:1'],
      ['fw_print\\.lazy', 'lazy\\.scss:1'],
      ['fw_print\\.whole', 'part\\.scss:1'],
    ])
      expect(client).toMatch(
        new RegExp(
          `${bundle}\\.min\\.css: Error: [^()]* \\(module fw_print, addons/fw_print/static/src/${place}\\)`,
        ),
      )
    expect(client).not.toMatch(/piece|in-tests|former/)
    expect(client).toMatch(/Could not get content for fw_skin\/static\/src\/absent\.js/)
    expect(client).toMatch(/fw_skin\/static\/src\/broken\.js: SyntaxError.*\(module fw_skin, addons\//)
    expect(client).toMatch(/Invalid XML template.*broken\.xml/)
  }, 120_000)

  test('and away from it', async () => {
    await route({ case: 'remove', value: true })
    expect((await visit(hostname)).status).toBe(404)
    await run(
      'stopRuntime',
      create(StopRuntimeTaskSchema, { runtimeId: runtime.runtimeId, remove: true, stopCellId: cellId }),
    )
    await run(
      'stopRuntime',
      create(StopRuntimeTaskSchema, { runtimeId: runtime.runtimeId, remove: true, stopCellId: cellId }),
    )
    await expect(route({ case: 'runtimeId', value: runtime.runtimeId })).rejects.toMatchObject({
      reason: 'runtime-missing',
    })
  }, 60_000)
})
