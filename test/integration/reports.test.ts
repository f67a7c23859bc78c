import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReleaseJson, RestoreJson } from '../../cli/json/report.ts'
import type { ProtectedAction } from '../../server/db/tables/governance.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { arrangeReportedShop, type ReportedShop } from '../support/reports.ts'
import type { TestServer } from '../support/server.ts'
import type { Tenant } from '../support/tenant.ts'

// What happened is written behind the server's back; what is reported comes through the command line.

let server: TestServer
let shop: Tenant
let put: ReportedShop['put']
let report: ReportedShop['report']
let reported: ReportedShop['reported']
let members: ReportedShop['members']
let folder: string
let builds = 0

beforeAll(async () => {
  const arranged = await arrangeReportedShop()
  ;({ server, shop, put, report, reported, members } = arranged)
  folder = await mkdtemp(join(tmpdir(), 'fairway-reports-'))
}, 60_000)
afterAll(async () => {
  await server?.close()
  if (folder) await rm(folder, { recursive: true })
})

async function arrangeRun(day: string, more: Record<string, unknown> = {}): Promise<string> {
  return await put('runs', {
    project_id: shop.projectId,
    kind: 'build',
    number: ++builds,
    stage: 'production',
    commit: 'c0ffee'.padEnd(40, '0'),
    trigger: 'push',
    requested_by: 'github',
    status: 'succeeded',
    result: 'green',
    record: JSON.stringify({ digest: `sha256:${'d'.repeat(64)}` }),
    started_at: `${day}T10:00:00Z`,
    finished_at: `${day}T10:02:30Z`,
    ...more,
  })
}

async function authorizeRun(
  runId: string,
  basis: string,
  approval?: { votes?: string[]; broken?: 'open' | 'closed' },
  action: ProtectedAction = 'production-deploy',
): Promise<string> {
  const approval_id =
    approval &&
    (await put('approvals', {
      project_id: shop.projectId,
      action,
      status: 'used',
      summary: 'deploy',
      subject: '{}',
      subject_sha256: runId,
      run_id: runId,
      requested_by: 'github',
      rule: '{}',
      policy_version: 1,
      expires_at: '2030-01-01T00:00:00Z',
      ...(approval.broken && {
        broken_by: 'member:ana',
        broken_at: new Date(),
        review_closed_at: approval.broken === 'closed' ? new Date() : null,
      }),
    }))
  for (const name of approval?.votes ?? [])
    await put('approval_votes', { approval_id, member_id: members.get(name), decision: 'approve' })
  return await put('authorizations', {
    project_id: shop.projectId,
    action,
    subject_sha256: runId,
    basis,
    approval_id: approval_id ?? null,
    run_id: runId,
    policy_version: 1,
  })
}

describe('releases', () => {
  const span = ['--from', '2026-03-01', '--to', '2026-03-31']

  beforeAll(async () => {
    await arrangeRun('2026-02-28')
    await authorizeRun(await arrangeRun('2026-03-01'), 'approval', { votes: ['ana', 'ben'] })
    await authorizeRun(await arrangeRun('2026-03-02'), 'policy')
    await authorizeRun(await arrangeRun('2026-03-03'), 'break-glass', { broken: 'open' })
    await authorizeRun(await arrangeRun('2026-03-04'), 'break-glass', { broken: 'closed' })
    const failed = {
      status: 'failed',
      result: 'red',
      reason: '=cmd|"boom", said the module',
      record: JSON.stringify({ restored: true }),
    }
    await authorizeRun(await arrangeRun('2026-03-05', failed), 'policy')
    // None of these came so far as to change production.
    await arrangeRun('2026-03-06', { status: 'failed', result: 'red', reason: 'rejected by ben' })
    await arrangeRun('2026-03-07', { stage: 'staging' })
    await arrangeRun('2026-03-08', { status: 'running', result: null, finished_at: null })
    await authorizeRun(
      await arrangeRun('2026-03-09', { kind: 'rollback', number: null }),
      'approval',
      { votes: ['ben'] },
      'rollback',
    )
    // Looked at production, and changed nothing.
    await arrangeRun('2026-03-10', { kind: 'rehearse', number: null })
    await arrangeRun('2026-03-31')
    await arrangeRun('2026-04-01')
  })

  it('are in the history with who went past the approval, and whether anybody has looked at that', async () => {
    const history = await listReleases(server.context, shop.caller, { project: 'shop', limit: 100 })
    const broken = history.filter(({ brokenBy }) => brokenBy === 'member:ana')
    expect(broken.map(({ reviewOpen }) => reviewOpen).sort()).toEqual([false, true])
    expect(broken.every(({ approvalId }) => approvalId !== '')).toBe(true)
    expect(history.filter(({ reviewOpen }) => reviewOpen)).toHaveLength(1)
  })

  it('names what went live, on whose word, and what has to be reviewed', async () => {
    const releases = await reported<ReleaseJson>('releases', ...span)
    expect(releases.map((row) => [row.finishedAt?.slice(8, 10), row.authorizedBy, row.reviewOpen])).toEqual([
      ['01', 'ana, ben', false],
      ['02', 'policy', false],
      ['03', 'break-glass by ana', true],
      ['04', 'break-glass by ana', false],
      ['05', 'policy', false],
      ['09', 'ben', false],
      ['31', null, false],
    ])
    expect(releases[0]).toMatchObject({
      project: 'shop',
      build: 2,
      commit: 'c0ffee'.padEnd(40, '0'),
      digest: `sha256:${'d'.repeat(64)}`,
      requestedBy: 'github',
      outcome: 'succeeded',
      durationMs: 150_000,
      statements: 0,
    })
    expect(releases[4]?.outcome).toBe('failed, data put back: =cmd|"boom", said the module')
  })

  it('warns in the table of a review that nobody closed', async () => {
    const { stdout, stderr } = await report(['releases', ...span])
    expect(stdout).toMatch(/^FINISHED +BUILD +COMMIT/)
    expect(stdout).toMatch(/2026-03-03 10:02 UTC {2}shop\/4 .*break-glass by ana \(review open\)/)
    expect(stderr).toBe('shop/4 went live through break-glass by ana; nobody has closed its review.\n')
  })

  it('is CSV that spreadsheets take for text', async () => {
    const { stdout } = await report(['releases', ...span, '--format', 'csv'])
    const lines = stdout.split('\r\n')
    expect(lines[0]).toBe(
      'finished_at,build,commit,digest,requested_by,authorized_by,outcome,duration_ms,statements,review_open,approval_id,run_id',
    )
    expect(lines).toHaveLength(9)
    expect(lines[1]).toContain('"ana, ben"')
    expect(lines[5]).toContain('"failed, data put back: =cmd|""boom"", said the module"')
  })

  it('is a page of its own, written to a file that says what it is by its name', async () => {
    const file = join(folder, 'releases.html')
    const { code, stdout, stderr } = await report(['releases', ...span, '-o', file])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toBe(`Releases: 7 lines, written to ${file}\n`)
    const page = await readFile(file, 'utf8')
    expect(page).toContain('<p class="org">acme</p>')
    expect(page).toContain('2026-03-01 00:00 UTC – 2026-04-01 00:00 UTC')
    expect(page).toMatch(/Made 20\d\d-\d\d-\d\d \d\d:\d\d UTC by ana/)
    expect(page).toContain('&quot;boom&quot;')
  })

  it.each([
    [['--from', 'spring'], 2, /spring is no time/],
    [['--format', 'pdf'], 2, /--format takes table, csv, html; pdf is none of them/],
    [['--format', 'csv', '--json'], 2, /give one/],
    [['--project', 'elsewhere'], 3, /There is no project "elsewhere"/],
    [['-o', '/nonexistent/releases.csv'], 1, /cannot be written/],
  ])('refuses %j', async (words, exitCode, message) => {
    const { code, stderr } = await report(['releases', ...words])
    expect(stderr).toMatch(message)
    expect(code).toBe(exitCode)
  })
})

describe('restores', () => {
  it('names the point in time and how it ended, tries that failed as well', async () => {
    const runId = await arrangeRun('2026-05-01', { status: 'failed', reason: 'the update failed' })
    const authorization = await authorizeRun(runId, 'approval', { votes: ['ben'] })
    const environment = await shop.scope(async (tx) => {
      const scope = { organization_id: shop.organizationId, project_id: shop.projectId }
      const branch = await tx
        .insertInto('branches')
        .values({ ...scope, name: 'main', stage: 'production' })
        .returning('id')
        .executeTakeFirstOrThrow()
      return await tx
        .insertInto('environments')
        .values({ ...scope, branch_id: branch.id, name: 'production', stage: 'production' })
        .returning('id')
        .executeTakeFirstOrThrow()
    })
    await shop.scope((tx) =>
      tx.updateTable('runs').set({ environment_id: environment.id }).where('id', '=', runId).execute(),
    )
    const place = { project_id: shop.projectId, host_id: shop.hostId }
    const cellId = await put('cells', { ...place, environment_id: environment.id, stage: 'production' })
    const snapshotId = await put('snapshots', {
      ...place,
      cell_id: cellId,
      purpose: 'safety',
      status: 'destroyed',
      taken_at: '2026-05-01T10:00:40Z',
    })
    const stepId = await put('steps', { run_id: runId, name: 'database', position: 1 })
    const task = (key: string, more: object) =>
      put('tasks', {
        run_id: runId,
        step_id: stepId,
        host_id: shop.hostId,
        key,
        kind: 'restoreCell',
        spec: JSON.stringify({ restoreCell: { cellId, snapshotId } }),
        timeout_ms: 1,
        authorization_id: authorization,
        ...more,
      })
    await task('restore', { status: 'failed', error: 'no room', finished_at: '2026-05-01T10:02:00Z' })
    await task('again', { status: 'succeeded', finished_at: '2026-05-01T10:03:00Z' })
    await task('later', { status: 'queued' })

    const span = ['--from', '2026-05-01', '--to', '2026-05-01']
    const restores = await reported<RestoreJson>('restores', ...span)
    expect(restores.map(({ outcome }) => outcome)).toEqual(['failed: no room', 'succeeded'])
    expect(restores[1]).toEqual({
      project: 'shop',
      environment: 'production',
      restoredTo: '2026-05-01T10:00:40.000Z',
      at: '2026-05-01T10:03:00.000Z',
      runId,
      build: builds,
      reason: 'the update failed',
      outcome: 'succeeded',
      authorizedBy: 'ben',
    })
    const { stderr } = await report(['restores', ...span])
    expect(stderr).toBe('the restore of shop/production at 2026-05-01 10:02 UTC did not succeed.\n')
  })

  it('says so when there were none', async () => {
    const { code, stdout, stderr } = await report(['restores', '--from', '2025-01-01', '--to', '2025-01-02'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^Nothing from 2025-01-01 00:00 UTC to 2025-01-03 00:00 UTC/)
  })
})
