import { afterAll, beforeAll, expect, test } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import { admit } from '../../server/runs/admission.ts'
import { lockRun } from '../../server/runs/run-state.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// Shutting a host out, as an owner does it.

let server: TestServer
let tenant: Tenant
let owner: Record<string, string>
let developer: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  const env = { FAIRWAY_SERVER: server.url, XDG_CONFIG_HOME: '/nonexistent' }
  owner = { ...env, FAIRWAY_TOKEN: token }
  developer = { ...env, FAIRWAY_TOKEN: await server.createMember(organizationId, 'dev', 'developer') }
})
afterAll(() => server?.close())

const show = async () => JSON.parse((await runCli(['host', 'show', tenant.host, '--json'], owner)).stdout)

test('a host’s clock is shown, and warned of when it is off', async () => {
  const setOffset = (clock_offset_ms: number) =>
    tenant.scope((tx) =>
      tx.updateTable('hosts').set({ clock_offset_ms }).where('id', '=', tenant.hostId).execute(),
    )
  await setOffset(-1_800)
  expect((await runCli(['host', 'show', tenant.host], owner)).stdout).toMatch(/Clock\s+1\.8 s behind/)
  expect((await show()).advice).toBeNull()
  await setOffset(95_000)
  expect(await show()).toMatchObject({
    clockOffsetMs: 95_000,
    advice: expect.stringContaining("1 min 35 s ahead of the server's: set it (NTP)"),
  })
})

test('a host’s bases are shown with their size', async () => {
  const base = {
    id: '0b5e0b5e-0000-8000-8000-000000000001',
    image: 'registry.example/odoo@sha256:1234',
    postgresImage: 'registry.example/postgres@sha256:5678',
    demo: true,
    sizeBytes: 60_000_000,
    madeAt: new Date().toISOString(),
  }
  await tenant.scope((tx) =>
    tx
      .insertInto('pools')
      .values({
        organization_id: tenant.organizationId,
        host_id: tenant.hostId,
        name: 'fast',
        driver: 'btrfs',
        bases: JSON.stringify([base]),
      })
      .execute(),
  )
  expect((await runCli(['host', 'show', tenant.host], owner)).stdout).toMatch(
    /Base\s+registry\.example\/odoo@sha256:1234, with demo data, 57\.2 MiB, made/,
  )
  expect((await show()).pools).toContainEqual(expect.objectContaining({ name: 'fast', bases: [base] }))
})

test('host revoke asks for a reason, a known host and an owner; nothing happens without', async () => {
  const refused = [
    [2, await runCli(['host', 'revoke', tenant.host, '--yes'], owner)],
    [2, await runCli(['host', 'revoke', tenant.host, '--reason', ' ', '--yes'], owner)],
    [3, await runCli(['host', 'revoke', 'absent', '--reason', 'stolen', '--yes'], owner)],
    [4, await runCli(['host', 'revoke', tenant.host, '--reason', 'stolen', '--yes'], developer)],
  ] as const
  for (const [code, result] of refused)
    expect([result.code, result.stderr]).toEqual([code, expect.any(String)])
  expect((await show()).status).toBe('online')
})

test('host revoke shuts it out: listed so, with the way back, and nothing is placed on it', async () => {
  const { code, stdout } = await runCli(
    ['host', 'revoke', tenant.host, '--reason', 'the laptop was stolen', '--yes', '--json'],
    owner,
  )
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'revoked',
    revokedAt: expect.any(String),
    advice: expect.stringMatching(/the laptop was stolen.*fairway host join-token shop-host/),
  })
  expect((await runCli(['host', 'list'], owner)).stdout).toMatch(/shop-host\s+revoked/)
  const { runId } = await arrangeBuild(server.context, tenant, 'main')
  const admission = await tenant.scope(async (tx) => {
    const run = await lockRun(tx, operation(tenant.organizationId, 'test'), runId)
    return run && (await admit(run, server.context.config))
  })
  expect(admission).toEqual({ waitingFor: expect.stringContaining('shop-host is revoked') })
  const again = await runCli(['host', 'revoke', tenant.host, '--reason', 'twice', '--yes'], owner)
  expect(again.stderr).toContain('has been revoked already')
})
