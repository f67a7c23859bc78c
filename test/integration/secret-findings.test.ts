import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RunManifest } from '../../server/evidence/record/run-manifest.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { updateLock } from '../../server/services/locks/lock-update.ts'
import { answers, playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let organizations = 0

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())
beforeEach(async () => {
  const { organizationId } = await server.createTenant(`org-${++organizations}`)
  tenant = await arrangeTenant(server.context, organizationId, `shop-${organizations}`)
})

const finding = (severity: string, line = 1, commit = '') => ({
  file: 'sale_x/config.py',
  line,
  rule: 'aws/AWSSecretAccessKey',
  severity,
  commit,
})
/** A build of whose commit the agent says that. */
async function buildWith(findings: readonly object[], more = {}) {
  const built = await arrangeBuild(server.context, tenant, 'feature/x')
  const resolve = { ...answers.resolve, ...more, findings }
  await playRun(server.context, tenant, built.runId, { answers: { resolve } })
  return await ended(built.runId)
}
async function ended(runId: string) {
  const run = await tenant.scope((tx) =>
    tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow(),
  )
  const tasks = await tenant.scope((tx) =>
    tx
      .selectFrom('tasks')
      .select(['kind', 'spec'])
      .where('run_id', '=', runId)
      .orderBy('created_at')
      .execute(),
  )
  const [{ spec } = { spec: {} }] = tasks
  const blob = await server.context.blobs.get(run.manifest_sha256)
  return {
    run,
    kinds: tasks.map(({ kind }) => kind),
    asked: (spec as { resolve: { scannedCommit?: string } }).resolve,
    manifest: JSON.parse(blob.toString('utf8')) as RunManifest,
  }
}

test('a secret that is grave enough stops the build before its image, and says where it is and what to do', async () => {
  const brought = 'abcdef0123'.padEnd(40, '4')
  const grave = [
    finding('low'),
    ...[1, 2, 3, 4, 5].map((line) => finding('high', line)),
    finding('critical', 9, brought),
  ]
  const { run, kinds, manifest } = await buildWith(grave)
  expect(run).toMatchObject({ status: 'failed', result: 'red' })
  expect(kinds).toEqual(['resolve'])
  expect(run.reason).toMatch(
    /^what was pushed holds 6 secrets: sale_x\/config\.py:9 \(aws\/AWSSecretAccessKey, critical, in commit abcdef0123\); /,
  )
  expect(run.reason).toMatch(
    /config\.py:4 \(.*; and 1 more\. .*take it out of the history.*secret_scan\.ignore/,
  )
  expect(manifest.secretFindings).toHaveLength(7)
  expect(manifest.secretFindings?.[6]).toEqual(finding('critical', 9, brought))
})

test('a weaker one makes the build yellow', async () => {
  const { run, kinds, manifest } = await buildWith([finding('medium', 3)])
  expect(run).toMatchObject({ status: 'succeeded', result: 'yellow' })
  expect(run.reason).toBe(
    'The repository holds a secret: sale_x/config.py:3 (aws/AWSSecretAccessKey, medium)',
  )
  expect(kinds).toContain('buildImage')
  expect(manifest.secretFindings).toEqual([finding('medium', 3)])
  const clean = await buildWith([])
  expect(clean.run.result).toBe('green')
  expect(clean.manifest).not.toHaveProperty('secretFindings')
})

test('what fairway.yaml accepts is in the evidence, and is warned of where the policy would have stopped it', async () => {
  const fingerprint = 'a'.repeat(32)
  const weak = { ...finding('medium'), fingerprint, note: 'among tests, demo data or documentation' }
  const quiet = await buildWith([], { acceptedFindings: [weak] })
  expect(quiet.run.result).toBe('green')
  expect(quiet.manifest.secretFindings).toEqual([{ ...weak, accepted: true }])
  const grave = { ...finding('critical'), fingerprint }
  const told = await buildWith([], { acceptedFindings: [grave] })
  expect(told.run).toMatchObject({ result: 'yellow' })
  expect(told.run.reason).toMatch(
    /secret_scan\.accept of fairway\.yaml lets pass what the policy stops: a secret/,
  )
  const stopped = await buildWith([grave])
  expect(stopped.run.result).toBe('red')
  expect(stopped.run.reason).toContain(`secret_scan: { accept: [${fingerprint}] }`)
})

test('how grave it has to be is the policy’s; a severity from a newer agent is the gravest', async () => {
  const policy = (block: string) => {
    const yaml = `secretScan: { block: ${block} }\n`
    return setPolicy(server.context, tenant.caller, { project: tenant.project, yaml, expectedVersion: 0 })
  }
  await policy('low')
  expect((await buildWith([finding('low')])).run.result).toBe('red')
  await policy('critical')
  expect((await buildWith([finding('high')])).run.result).toBe('yellow')
  expect((await buildWith([finding('apocalyptic')])).run.result).toBe('red')
  await policy('never')
  expect((await buildWith([finding('critical')])).run.result).toBe('yellow')
})

test('the search begins after the last commit that passed, so that a stopped one is looked at again', async () => {
  const commits = ['1', '2', '3'].map((digit) => digit.repeat(40))
  const [first, second, third] = commits as [string, string, string]
  expect((await buildWith([], { commit: first })).asked).not.toHaveProperty('scannedCommit')
  expect((await buildWith([finding('critical')], { commit: second })).asked.scannedCommit).toBe(first)
  expect((await buildWith([], { commit: third })).asked.scannedCommit).toBe(first)
  expect((await buildWith([], { commit: third })).asked.scannedCommit).toBe(third)
})

test('a lock run only warns: it builds nothing', async () => {
  const wanted = { project: tenant.project, branch: 'feature/x' }
  const runId = await updateLock(server.context, tenant.caller, wanted)
  const resolve = { ...answers.resolve, findings: [finding('critical')] }
  await playRun(server.context, tenant, runId, { answers: { resolve } })
  expect((await ended(runId)).run).toMatchObject({ status: 'succeeded', result: 'yellow' })
})
