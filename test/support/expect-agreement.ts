import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { TaskKind } from '../../lib/tasks/task-kinds.ts'
import { run } from '../../packaging/dev/command.ts'
import { callOdoo, httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import { isProtectedTask } from '../../server/governance/protected-tasks.ts'
import { stepOf } from '../faults/release-steps.ts'
import { query } from './postgres.ts'
import type { Production } from './release-player.ts'
import type { ReleaseShop } from './release-shop.ts'

interface EnvironmentRow {
  readonly id: string
  readonly stage: string
  readonly status: string
  readonly cell_id: string
  readonly held_by: string | null
  readonly deployment: { readonly runtimeId: string; readonly digest: string }
}

/** Production is that, as everybody sees it: visitors, its data, the control plane, Docker, the proxy and the pool. */
export async function expectProduction(shop: ReleaseShop, { version, partners }: Production): Promise<void> {
  const environments = await listEnvironments(shop)
  const production = environments.find(({ stage }) => stage === 'production')
  expect(production).toMatchObject({
    status: 'running',
    held_by: null,
    deployment: { digest: shop.digests.get(version) },
  })
  const badge = version === 'badge' ? ['loyalty_badge'] : []
  expect((await httpRequest(shop.url, '/web/login')).status).toBe(200)
  const fields = await callOdoo<object>(shop, 'res.partner', 'fields_get', [['loyalty_badge']])
  expect(Object.keys(fields), 'fields of the code').toEqual(badge)
  const socket = join(shop.test.stack.options.pool, 'cells', production?.cell_id ?? '', 'run')
  const cell = `postgres://postgres@${encodeURIComponent(socket)}/odoo`
  const columns = await query<{ name: string }>(cell, partnerColumns)
  expect(
    columns.map(({ name }) => name),
    'columns of the data',
  ).toEqual(badge)
  const kept = await query<{ name: string }>(cell, `select name from res_partner where name like 'Kept %'`)
  expect(kept.map(({ name }) => name).sort()).toEqual([...partners].sort())
  await expectNothingElse(shop, environments)
}

const partnerColumns = `select column_name as name from information_schema.columns
  where table_name = 'res_partner' and column_name = 'loyalty_badge'`

/** I3 and I5: the host has what the control plane knows of, and nothing else. */
async function expectNothingElse(shop: ReleaseShop, environments: readonly EnvironmentRow[]): Promise<void> {
  const { test } = shop
  const { stack } = test
  const cells = await test.query<{ id: string }>(
    `select id from cells where status <> 'destroyed' order by id`,
  )
  const snapshots = await test.query<{ id: string; status: string }>(
    `select id, status from snapshots where status <> 'destroyed' order by id`,
  )
  expect(cells.map(({ id }) => id)).toEqual(environments.map(({ cell_id }) => cell_id).sort())
  expect(await test.cellsOnDisk()).toEqual(cells.map(({ id }) => id))
  for (const { id } of cells) {
    const parts = await readdir(join(stack.options.pool, 'cells', id))
    expect(
      parts.filter((part) => ['incoming', 'previous'].includes(part)),
      'half a restore',
    ).toEqual([])
  }
  expect(snapshots.filter(({ status }) => status !== 'ready')).toEqual([])
  expect((await readdir(join(stack.options.pool, 'snapshots'))).sort()).toEqual(snapshots.map(({ id }) => id))
  expect(await readdir(join(stack.options.pool, 'making'))).toEqual([])
  expect(await listContainers(shop)).toEqual(
    [
      `fairway-proxy-${(await identityOf(shop)).hostId} running`,
      ...environments.map(({ cell_id }) => `fairway-postgres-${cell_id} running`),
      ...environments.map(({ deployment }) => `fairway-odoo-${deployment.runtimeId} running`),
    ].sort(),
  )
  const { routes } = JSON.parse(await readFile(stack.path('agent', 'proxy', 'routes.json'), 'utf8')) as {
    routes: { environmentId: string; target: { runtimeId?: string; cellId?: string } }[]
  }
  const routed = routes.map(({ environmentId, target }) => [environmentId, target.runtimeId, target.cellId])
  expect(routed.sort()).toEqual(
    environments.map(({ id, deployment, cell_id }) => [id, deployment.runtimeId, cell_id]).sort(),
  )
}

/**
 * Each of the run's tasks was done once, and as often before as its attempts were to fail, by its key or its step; none
 * touched production without leave.
 */
export async function expectTasks(
  shop: ReleaseShop,
  runId: string,
  failing: Readonly<Record<string, number>>,
): Promise<void> {
  const tasks = await shop.test.query<{
    key: string
    attempt: number
    kind: TaskKind
    status: string
    epoch: number
    leave: boolean
  }>(
    `select key, attempt, kind, status, epoch, authorization_id is not null as leave from tasks where run_id = $1 order by created_at`,
    [runId],
  )
  const [{ kind: runKind } = { kind: '' }] = await shop.test.query<{ kind: string }>(
    'select kind from runs where id = $1',
    [runId],
  )
  for (const { key, attempt, kind, status, epoch, leave } of tasks) {
    const fails = attempt <= (failing[key] ?? failing[stepOf(key)] ?? 0)
    expect({ key, attempt, status, epoch }).toEqual({
      key,
      attempt,
      status: fails ? 'failed' : 'succeeded',
      epoch: 1,
    })
    // All of a rehearsal happens on a cell that is nobody's.
    if (runKind !== 'rehearse') expect(leave, `${key} has leave`).toBe(isProtectedTask(kind, 'production'))
  }
}

const listEnvironments = (shop: ReleaseShop) =>
  shop.test.query<EnvironmentRow>(
    `select e.id, e.stage, e.status, e.cell_id, e.deployment, c.held_by
     from environments e join cells c on c.id = e.cell_id where e.status <> 'destroyed'`,
  )

const identityOf = async ({ test }: ReleaseShop) =>
  JSON.parse(await readFile(test.stack.path('agent', 'identity.json'), 'utf8')) as { hostId: string }

async function listContainers(shop: ReleaseShop): Promise<string[]> {
  const filter = `label=fairway.agent=${(await identityOf(shop)).hostId}`
  const format = '{{.Names}} {{.State}}'
  const printed = await run('docker', ['ps', '--all', '--filter', filter, '--format', format])
  return printed.split('\n').filter(Boolean).sort()
}
