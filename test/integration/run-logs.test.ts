import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeLogChunk } from '../../server/blobs/log-chunk.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { runCli, startCli } from '../support/cli.ts'
import { type answers, playRun } from '../support/play-run.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type ArrangedBuild, arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

// A release and a build that failed, as people find out why: what is shown, and the commands that it names.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
let promotion: string
let red: ArrangedBuild

const record = (level: string, message: string) =>
  `2026-11-30 10:57:53,123 41 ${level} shop odoo.modules.loading: ${message}`
const said = 'module shop: ValueError: no programme is the default one'
const reason = `${said} (shop/models/programme.py:31)`
/** Far longer than a terminal is wide, and than a reason may be. */
const exception = [
  'Traceback (most recent call last):',
  '  File "/mnt/extra-addons/shop/models/programme.py", line 31, in init',
  '    raise ValueError(text)',
  'ValueError: no programme is the default one',
  `The programmes are ${'loyalty, '.repeat(300)}and no other.`,
]
const update = [
  ...Array.from({ length: 30 }, (_, at) => record('INFO', `loading shop/data/${at}.xml`)),
  record('CRITICAL', 'Failed to initialize database `shop`'),
  ...exception,
  record('INFO', 'Shutting down'),
]
const broken = { status: 'failed', reason: 'update-failed', error: reason } as const
const inAddons = (content: string) => {
  const { resolve, ...others } = contentOf(content)
  const addons = (resolve as typeof answers.resolve).addons.map((addon) => ({
    ...addon,
    path: 'addons/shop',
  }))
  return { ...others, resolve: { ...(resolve as object), addons } }
}

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
  await playBuild(server.context, tenant, 'main', 'one')
  await playBuild(server.context, tenant, releaseBranch, 'two', { answers: inAddons('two') })
  const wanted = { project: 'shop', branch: releaseBranch, planSha256: '' }
  promotion = (await promoteRelease(server.context, tenant.caller, wanted)).runId
  await playRun(server.context, tenant, promotion, {
    failures: { 'apply:update': broken },
    logs: { 'apply:update': update },
  })
  red = await playBuild(server.context, tenant, 'feature/red', 'three', {
    answers: inAddons('three'),
    failures: { applyModules: broken },
    logs: { applyModules: update },
  })
}, 120_000)

afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)

/** The reason whole, where in the repository, and the log before and after the exception. */
function expectWhy(shown: string): void {
  expect(shown).toContain(`red in database: ${reason}\n  addons/shop/models/programme.py:31\n`)
  for (const line of exception) expect(shown).toContain(`  ${line}\n`)
  expect(shown).toContain(`  ${record('INFO', 'Shutting down')}\n`)
  expect(shown.match(/loading shop\/data\/\d+\.xml/g)).toHaveLength(13)
}

test.each([
  ['a promotion', () => ['run', 'watch', promotion], () => promotion],
  ['a promotion', () => ['run', 'show', promotion.slice(0, 8)], () => promotion],
  ['a build', () => ['run', 'watch', 'shop', String(red.number)], () => `shop/${red.number}`],
  ['a build', () => ['build', 'watch', `shop/${red.number}`], () => `shop/${red.number}`],
  ['a build', () => ['build', 'show', `shop/${red.number}`], () => `shop/${red.number}`],
])('%s that failed says why, and the command that it names has its log', async (_, words, name) => {
  const { code, stdout, stderr } = await cli(...words())
  expect(code).toBe(words()[1] === 'show' ? 0 : 1)
  expectWhy(stdout)
  const [, command = ''] = /Its logs: fairway (.*)\n/.exec(stderr) ?? []
  expect(command).toBe(`logs ${name()} --step database`)
  const logs = await cli(...command.split(' '))
  expect(logs.code).toBe(0)
  for (const line of update) expect(logs.stdout).toContain(line)
})

test('an Odoo that does not start says why in its own log, and that is shown and read', async () => {
  const error = 'Odoo does not start; the end of its log: … / ValueError: no programme is the default one'
  const { number } = await playBuild(server.context, tenant, 'feature/unhealthy', 'four', {
    answers: inAddons('four'),
    failures: { startRuntime: { status: 'failed', reason: 'runtime-failed', error } },
    logs: { startRuntime: [] },
    duringTask: (kind) => (kind === 'startRuntime' ? logOfRuntime(update) : Promise.resolve()),
  })
  const { stdout, stderr } = await cli('build', 'watch', `shop/${number}`)
  expect(stdout).toContain(`red in deploy: ${error}\n  addons/shop/models/programme.py:31\n`)
  for (const line of exception) expect(stdout).toContain(`  ${line}\n`)
  expect(stderr).toContain(`Its logs: fairway logs shop/${number}\n`)
  for (const step of [[], ['--step', 'runtime']]) {
    expect((await cli('logs', `shop/${number}`, ...step)).stdout).toContain(exception.at(-1))
  }
})

test('an Odoo that a rehearsal tries in vain says why in its own log, which is the run’s', async () => {
  const wanted = { project: 'shop', branch: releaseBranch }
  const rehearsal = await startRehearsal(server.context, tenant.caller, wanted)
  const error = 'Odoo does not start; the end of its log: … / ValueError: no programme is the default one'
  await playRun(server.context, tenant, rehearsal, {
    failures: { 'try:start': { status: 'failed', reason: 'runtime-failed', error } },
    logs: { 'try:start': [] },
    duringTask: (kind) => (kind === 'startRuntime' ? logOfRuntime(update) : Promise.resolve()),
  })
  const { code, stdout } = await cli('run', 'watch', rehearsal)
  expect(code).toBe(1)
  for (const line of exception) expect(stdout).toContain(`  ${line}\n`)
  for (const step of [[], ['--step', 'runtime']])
    expect((await cli('logs', rehearsal, ...step)).stdout).toContain(exception.at(-1))
  expect((await cli('logs', 'shop', 'production')).stdout).not.toContain(exception.at(-1))
})

/** As the link writes it, to the newest runtime's log. */
async function logOfRuntime(texts: readonly string[]): Promise<void> {
  const now = new Date()
  const lines = texts.map((text, at) => ({
    ...{ sequence: at + 1, unixMicros: now.getTime() * 1_000 + at, source: 'odoo', text, gap: 0 },
  }))
  const { sha256, sizeBytes } = await server.context.blobs.put(await encodeLogChunk(lines))
  await tenant.scope(async (tx) => {
    const { id } = await tx
      .updateTable('log_streams')
      .set({ last_sequence: texts.length })
      .where('step', '=', 'runtime')
      .where('id', 'in', (streams) =>
        streams
          .selectFrom('log_streams')
          .select('id')
          .where('step', '=', 'runtime')
          .orderBy('created_at', 'desc')
          .limit(1),
      )
      .returning('id')
      .executeTakeFirstOrThrow()
    const range = { first_sequence: 1, last_sequence: texts.length, first_time: now, last_time: now }
    await tx
      .insertInto('log_segments')
      .values({
        organization_id: tenant.organizationId,
        stream_id: id,
        ...range,
        sha256,
        size_bytes: sizeBytes,
        gaps: '[]',
      })
      .execute()
  })
}

test('programs get it as a part of the document', async () => {
  const { stdout } = await cli('build', 'show', `shop/${red.number}`, '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    failure: { step: 'database', path: 'addons/shop/models/programme.py', line: 31, sentence: reason },
  })
  const green = await cli('build', 'show', 'shop/1', '--json')
  expect(JSON.parse(green.stdout)).toMatchObject({ failure: null })
})

test('a start that failed says why as other runs do', async () => {
  const { environmentId } = await playBuild(server.context, tenant, 'feature/stopped', 'five')
  await tenant.scope((tx) =>
    tx.updateTable('environments').set({ status: 'stopped' }).where('id', '=', environmentId).execute(),
  )
  const starting = startCli(['env', 'start', 'shop/feature/stopped'], env)
  const { id } = await waitFor('the run', () =>
    tenant.scope((tx) =>
      tx
        .selectFrom('runs')
        .select('id')
        .where('environment_id', '=', environmentId)
        .where('kind', '=', 'start')
        .executeTakeFirst(),
    ),
  )
  const failure = { status: 'failed', reason: 'runtime-failed', error: reason } as const
  await playRun(server.context, tenant, id, {
    failures: { startRuntime: failure },
    logs: { startRuntime: update },
  })
  const { code, stdout, stderr } = await starting.end
  expect(code).toBe(1)
  for (const line of exception) expect(stdout).toContain(`  ${line}\n`)
  expect(stderr).toContain(`Its logs: fairway logs ${id}`)
})

test('any run is read by its id, all of its steps', async () => {
  const { code, stdout } = await cli('logs', promotion, '--json')
  expect(code).toBe(0)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: string })
  expect(new Set(lines.map(({ step }) => step))).toEqual(new Set(['rehearse', 'approve', 'database']))
  expect((await cli('logs', promotion, '-f', '--tail', '1')).code).toBe(0)
})

test.each([
  [
    'a step that it does not have',
    2,
    () => ['logs', promotion, '--step', 'databse'],
    /it has plan, .*database/,
  ],
  [
    'a step of environments',
    2,
    () => ['logs', `shop/${red.number}`, '--step', 'runtime'],
    /it has resolve, /,
  ],
  ['a step of builds', 2, () => ['logs', 'shop', 'production', '--step', 'smoke'], /it has runtime\./],
  [
    'an environment that never ran',
    5,
    () => ['logs', 'shop', 'feature/red'],
    /never ran.*fairway build list shop/,
  ],
  ['one that is to be followed', 5, () => ['logs', 'shop', 'feature/red', '-f'], /never ran/],
  ['no run', 3, () => ['logs', '00000000-0000-4000-8000-000000000000'], /There is no run/],
])('%s is said, and is no success', async (_, code, words, text) => {
  const ended = await cli(...words())
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(text)
})

test('a run without a line says so', async () => {
  const { number } = await arrangeBuild(server.context, tenant, 'feature/queued')
  const { code, stderr } = await cli('logs', `shop/${number}`)
  expect(code).toBe(0)
  expect(stderr).toBe(`Nothing was logged. How it stands: fairway run show shop/${number}\n`)
})

test('a run is found by the first digits of its id that no other shares', async () => {
  const whole = await cli('logs', promotion, '--json')
  expect(await cli('logs', promotion.slice(0, 8), '--json')).toEqual(whole)
  expect((await cli('evidence', 'show', promotion.slice(0, 9), '--json')).stdout).toContain(promotion)
  const id = `${promotion.slice(0, -1)}${promotion.endsWith('0') ? '1' : '0'}`
  const { organizationId: organization_id, projectId: project_id } = tenant
  const twin = { kind: 'rehearse', trigger: 'manual', requested_by: 'member:ana' } as const
  await tenant.scope((tx) =>
    tx
      .insertInto('runs')
      .values({ id, organization_id, project_id, ...twin })
      .execute(),
  )
  const { code, stderr } = await cli('run', 'show', promotion.slice(0, 8))
  expect([code, stderr]).toEqual([2, expect.stringContaining('More than one run begins with')])
})
