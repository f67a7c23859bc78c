import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { advance } from '../../server/runs/advance.ts'
import { stopEnvironment } from '../../server/services/environments/environments.ts'
import { openFailed } from '../../server/services/environments/open-failed.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { operationsWith } from '../support/operations-with.ts'
import { addArtifact, answers, type Play, playRun } from '../support/play-run.ts'
import { arrangeRelease, releaseBranch } from '../support/releases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { predicatesFolder, type Signed, schemas, signedStatements } from '../support/statements.ts'
import { type ArrangedBuild, arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let production: ArrangedBuild

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId } = await server.createTenant('acme')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  production = await build('main')
})
afterAll(() => server?.close())

async function build(branch: string, play?: Play): Promise<ArrangedBuild> {
  const made = await arrangeBuild(server.context, tenant, branch)
  await playRun(server.context, tenant, made.runId, play)
  return made
}

const runOf = (runId: string) =>
  tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow())

const manifestOf = (run: { manifest_sha256: string }) => run.manifest_sha256
const predicateOf = (statement: Signed | undefined) => statement?.predicate ?? expect.fail('not signed')
const statementsOf = (runId: string) => signedStatements(server.context, tenant, runId)

test('the predicates of our own are published under their names', () => {
  const own = readdirSync(predicatesFolder).sort()
  expect(own).toEqual(['approval', 'backup', 'clone', 'deploy', 'drill', 'rehearsal', 'run', 'shell'])
  for (const name of own) expect(schemas.has(`https://fairway.dev/predicates/${name}/v1`)).toBe(true)
})

describe('a run that ended is signed for', () => {
  test('production: what went live, who approved it, where the image comes from', async () => {
    expect(await runOf(production.runId)).toMatchObject({ status: 'succeeded' })
    const { run, deploy, provenance, tests, approval, clone } = await statementsOf(production.runId)
    const { manifest_sha256 } = await runOf(production.runId)
    expect(run?.subject).toEqual([{ name: 'run/manifest.json', digest: { sha256: manifest_sha256 } }])
    expect(deploy?.predicate).toMatchObject({
      outcome: 'live',
      replaced: null,
      smoke: [{ name: 'GET /web/login', passed: true }],
      authorizations: [{ action: 'production-deploy', basis: 'approval' }],
    })
    expect(approval?.predicate).toMatchObject({
      action: 'production-deploy',
      status: 'used',
      votes: [{ by: 'member:rita', decision: 'approve', note: 'looks good' }],
      breakGlass: null,
    })
    expect(deploy?.predicate.approvals).toEqual([approval?.predicate.approvalId])
    expect(tests?.predicate).toMatchObject({ result: 'PASSED', failedTests: [] })
    expect(provenance?.subject[0]?.digest.sha256).toBe(deploy?.subject[0]?.digest.sha256)
    expect(provenance?.predicate).toMatchObject({
      buildDefinition: {
        externalParameters: { branch: 'main', commit: answers.resolve.commit },
        internalParameters: { reused: false },
        resolvedDependencies: [
          { digest: { gitCommit: answers.resolve.commit } },
          { uri: 'docker://127.0.0.1:5000/fairway/odoo' },
          { name: 'oca/web', digest: { gitCommit: answers.resolve.submodules[0].commit } },
          { name: 'lock.json', digest: { sha256: answers.resolve.lockSha256 } },
        ],
      },
      runDetails: { metadata: { invocationId: production.runId } },
    })
    expect(clone).toBeUndefined()
  })

  test('a merge of repositories: its parts, which exist, and not the commit that it came out as', async () => {
    const [first, second, merged] = ['1', '2', '3'].map((digit) => digit.repeat(40))
    const [oca, acme] = ['https://git.example/oca/web', 'https://git.example/acme/web']
    const merges = [
      { url: oca, ref: '19.0', commit: first },
      { url: acme, ref: 'refs/pull/7/head', commit: second },
    ]
    const sources = [
      { path: '.fairway-sources/web', url: oca, ref: '19.0', commit: merged, merges },
      { path: '.fairway-sources/sale', url: acme, ref: '19.0', commit: first },
    ]
    const play = { answers: { resolve: { ...answers.resolve, sources } } }
    const { runId } = await build('release/merged', play)
    const { provenance } = await statementsOf(runId)
    const { resolvedDependencies } = predicateOf(provenance).buildDefinition as {
      resolvedDependencies: { name?: string }[]
    }
    expect(resolvedDependencies.filter(({ name = '' }) => name.startsWith('.fairway-sources'))).toEqual([
      {
        name: '.fairway-sources/web',
        uri: `git+${oca}@${first}`,
        digest: { gitCommit: first },
        annotations: { mergedAs: 1, mergedOf: 2 },
      },
      {
        name: '.fairway-sources/web',
        uri: `git+${acme}@${second}`,
        digest: { gitCommit: second },
        annotations: { mergedAs: 2, mergedOf: 2 },
      },
      { name: '.fairway-sources/sale', uri: `git+${acme}@${first}`, digest: { gitCommit: first } },
    ])
    expect(JSON.stringify(provenance)).not.toContain(merged)
  })

  test('staging: the clone, and every assertion of its neutralization', async () => {
    const { runId } = await build('release/1.0')
    const { clone } = await statementsOf(runId)
    expect(clone?.predicate).toMatchObject({
      source: { name: 'production', time: '2026-02-03T04:05:06.000Z' },
      sizeBytes: 5_000_000_000,
      neutralization: {
        proven: true,
        assertions: [{ name: 'no-mail-servers', passed: true }],
        uncoveredModules: ['shop_extra'],
        passwords: 'reset',
        asProduction: { proven: true, image: expect.stringContaining('@sha256:') },
      },
    })
  })

  test('an image that was found, not built: by which run it was built', async () => {
    const play = { answers: { buildImage: { ...answers.buildImage, built: false } } }
    const { runId } = await build('release/again', play)
    const { provenance } = await statementsOf(runId)
    const { internalParameters } = predicateOf(provenance).buildDefinition as {
      internalParameters: { builtByRun: string; reused: boolean }
    }
    expect(internalParameters.reused).toBe(true)
    expect((await runOf(internalParameters.builtByRun)).record).toMatchObject({ imageBuilt: true })
  })

  test('a production update that was put back: from when to when people saw the maintenance page', async () => {
    const addons = [{ ...answers.resolve.addons[0], treeId: 'another' }]
    const { runId } = await build('main', {
      answers: { resolve: { ...answers.resolve, addons } },
      failures: { 'apply:update': { status: 'failed', reason: 'odoo', error: 'the update broke' } },
    })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', result: 'red' })
    const { run, deploy } = await statementsOf(runId)
    expect(run?.predicate.outcome).toMatchObject({ status: 'failed', reason: 'the update broke' })
    expect(deploy?.predicate).toMatchObject({
      outcome: 'put-back',
      restored: true,
      replaced: { runId: production.runId, buildNumber: production.number },
    })
    const { durationMs } = predicateOf(deploy).maintenance as { durationMs: number }
    expect(durationMs).toBeGreaterThanOrEqual(0)

    // And what was opened of the data that it left.
    const study = { runId, code: 'before', lifetimeSeconds: 0 } as const
    const opened = await openFailed(server.context, tenant.caller, study)
    await playRun(server.context, tenant, opened.runId)
    const { clone, ...others } = await statementsOf(opened.runId)
    expect(Object.keys(others)).toEqual(['run'])
    const { failedSnapshotId } = (await runOf(runId)).record as { failedSnapshotId: string }
    expect(clone?.predicate).toMatchObject({
      run: { kind: 'study', environment: opened.environment, stage: 'staging' },
      source: { name: 'production', id: failedSnapshotId },
      neutralization: { proven: true, passwords: 'reset', asProduction: { proven: true } },
    })
  })

  test('a promotion: the plan, the rehearsal it went by, and the approval that names both', async () => {
    const { staging } = await arrangeRelease(server.context, tenant)
    const ref = { project: tenant.project, branch: releaseBranch }
    const rehearsed = await startRehearsal(server.context, tenant.caller, ref)
    await playRun(server.context, tenant, rehearsed)
    const tried = predicateOf((await statementsOf(rehearsed)).rehearsal)
    expect(tried).toMatchObject({ madeBy: rehearsed, verdict: 'green', run: { kind: 'rehearse' } })
    const { runId: promoted } = await promoteRelease(server.context, tenant.caller, {
      ...ref,
      planSha256: '',
    })
    await playRun(server.context, tenant, promoted)
    const { deploy, approval, rehearsal, provenance } = await statementsOf(promoted)
    expect(rehearsal?.predicate).toMatchObject({ madeBy: rehearsed, planSha256: tried.planSha256 })
    const { approvals } = JSON.parse(
      (await server.context.blobs.get(manifestOf(await runOf(promoted)))).toString(),
    ) as {
      approvals: { subject: string }[]
    }
    expect(approval?.predicate).toMatchObject({ status: 'used', run: { id: promoted } })
    expect(JSON.parse(approvals[0]?.subject ?? '')).toMatchObject({
      plan: tried.planSha256,
      rehearsal: { run: rehearsed },
    })
    expect(deploy?.predicate).toMatchObject({ outcome: 'live', run: { kind: 'promote' } })
    expect(rehearsal?.subject[0]).toEqual(deploy?.subject[0])
    expect(provenance?.predicate).toMatchObject({
      buildDefinition: {
        externalParameters: { branch: releaseBranch },
        internalParameters: { reused: true, builtByRun: staging.runId },
      },
    })
  })

  test('tests that failed: which ones', async () => {
    const made = await arrangeBuild(server.context, tenant, 'feature/broken')
    const report = { total: 3, failed: 1, errors: 0, failures: ['TestShop.test_total: 1 != 2'] }
    await addArtifact(server.context, tenant, made.runId, 'tests.json', JSON.stringify(report))
    await playRun(server.context, tenant, made.runId, {
      failures: { 'apply:install': { status: 'failed', reason: 'tests-failed', error: '1 test failed' } },
    })
    const { tests, run } = await statementsOf(made.runId)
    expect(tests?.predicate).toMatchObject({
      result: 'FAILED',
      failedTests: ['TestShop.test_total: 1 != 2'],
      configuration: [{ annotations: { total: 3, failed: 1 } }],
    })
    expect(run?.predicate.outcome).toMatchObject({ status: 'failed' })
  })

  test('a log with gaps: where, and how many lines', async () => {
    const { run } = await statementsOf(production.runId)
    const { complete, streams } = predicateOf(run).logs as {
      complete: boolean
      streams: { gaps: unknown[]; lastSequence: number; writtenSequence: number }[]
    }
    expect(complete).toBe(true)
    expect(streams[0]).toMatchObject({
      lastSequence: 3,
      writtenSequence: 3,
      gaps: [{ sequence: 2, lines: 17 }],
    })
  })

  test('one that was cancelled before it began', async () => {
    const made = await arrangeBuild(server.context, tenant, 'feature/never')
    await tenant.scope((tx) =>
      tx.updateTable('runs').set({ cancel_cause: 'user' }).where('id', '=', made.runId).execute(),
    )
    await playRun(server.context, tenant, made.runId)
    const statements = await statementsOf(made.runId)
    expect(Object.keys(statements)).toEqual(['run'])
    expect(statements.run?.predicate.outcome).toMatchObject({ status: 'cancelled' })
  })

  test('one that ended by a bug of ours', async () => {
    const made = await arrangeBuild(server.context, tenant, 'feature/bug')
    const broken = operationsWith(() => Promise.reject(new TypeError('of undefined')))
    const { organizationId } = tenant
    await advance(server.context, server.context.config, broken, { runId: made.runId, organizationId })
    const { run } = await statementsOf(made.runId)
    expect(run?.predicate.outcome).toMatchObject({
      status: 'failed',
      reason: 'internal error: of undefined',
    })
  })

  test('the stop of an environment', async () => {
    const { runId: built } = await build('feature/stopped')
    const { environment } = await tenant.scope((tx) =>
      tx
        .selectFrom('runs')
        .innerJoin('environments', 'environments.id', 'runs.environment_id')
        .select('environments.name as environment')
        .where('runs.id', '=', built)
        .executeTakeFirstOrThrow(),
    )
    const ref = { project: tenant.project, environment }
    const { runId } = await stopEnvironment(server.context, tenant.caller, ref as never)
    await playRun(server.context, tenant, runId)
    const statements = await statementsOf(runId)
    expect(Object.keys(statements)).toEqual(['run'])
    expect(statements.run?.predicate.run).toMatchObject({ kind: 'stop', environment })
  })
})

test('the audit event of a run’s end names its manifest and every statement', async () => {
  const { manifest_sha256 } = await runOf(production.runId)
  const event = await tenant.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .select(['details', 'project_id'])
      .where('subject_id', '=', production.runId)
      .where('action', '=', 'run.end')
      .executeTakeFirstOrThrow(),
  )
  const rows = await tenant.scope((tx) =>
    tx
      .selectFrom('statements')
      .select(['name', 'bundle_sha256'])
      .where('run_id', '=', production.runId)
      .execute(),
  )
  expect(event.project_id).toBe(tenant.projectId)
  expect(event.details).toEqual({
    status: 'succeeded',
    result: expect.any(String),
    manifest: manifest_sha256,
    statements: Object.fromEntries(rows.map(({ name, bundle_sha256 }) => [name, bundle_sha256])),
  })
})
