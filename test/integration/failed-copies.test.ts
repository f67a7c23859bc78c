import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveImage } from '../../agent/containers/images.ts'
import {
  CellStage,
  CloneCellTaskSchema,
  CreateCellTaskSchema,
  NeutralizeTaskSchema,
  PasswordPolicy,
  RuntimeSpecSchema,
  SnapshotCellTaskSchema,
  StartRuntimeTaskSchema,
  SwitchRouteTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { buildAddonImage } from '../support/addon-image.ts'
import { createOdooHost, type OdooHost } from '../support/odoo-host.ts'
import { registry } from '../support/odoo-services.ts'
import { canaries, findCanaries, plantCanaries } from '../support/production-canaries.ts'

// What is opened of failures, on real Odoo: the tasks that the server asks for, in its order, and what the host refuses of
// any other order. One production for all cases: an update of it that ended half-way, and tests of staging that failed.

const manifest = (more = '') =>
  `{'name': 'x', 'version': '1.0', 'license': 'LGPL-3', 'depends': ['base'], ${more}}\n`
const files = {
  'fairway.yaml': 'development:\n  modules: [points_broken, points_tested]\n',
  // Is in by the time the next one fails, and brings a credential that the update alone has.
  'points_base/__manifest__.py': manifest("'post_init_hook': 'bring'"),
  'points_base/__init__.py': `def bring(env):
    env['ir.mail_server'].create({'name': 'points', 'smtp_host': 'smtp.example.com', 'smtp_pass': 'canary-of-the-update'})
`,
  'points_broken/__manifest__.py': manifest("'data': ['view.xml']").replace("['base']", "['points_base']"),
  'points_broken/__init__.py': '',
  'points_broken/view.xml': `<odoo>
  <record id="v" model="ir.ui.view">
    <field name="model">res.partner</field>
    <field name="arch" type="xml"><form><field name="no_such_field"/></form></field>
  </record>
</odoo>
`,
  'points_tested/__manifest__.py': manifest(),
  'points_tested/__init__.py': '',
  'points_tested/tests/__init__.py': 'from . import test_points\n',
  'points_tested/tests/test_points.py': `from odoo.tests import TransactionCase


class TestPoints(TransactionCase):
    def test_points(self):
        self.assertEqual(1, 2)
`,
}

let host: OdooHost
let run: OdooHost['run']
let productionImage: string
let candidate: string
const production = { cellId: randomUUID(), environmentId: randomUUID() }
const failedSnapshot = randomUUID()

beforeAll(async () => {
  host = await createOdooHost()
  ;({ run } = host)
  productionImage = (await resolveImage(host.services.docker, `${registry}/fairway/odoo:19.0`)).reference
  candidate = await buildAddonImage(host.handlers, await host.server.createRepository('points'), files)
  host.built(candidate)
  const postgresImage = `${registry}/fairway/postgres:18`
  const cell = { ...production, stage: CellStage.PRODUCTION, postgresImage }
  await run('createCell', create(CreateCellTaskSchema, cell))
  const { cellId } = production
  await host.apply({ cellId, image: productionImage, install: ['base'] })
  await plantCanaries(host, cellId)
}, 300_000)
afterAll(() => host?.[Symbol.asyncDispose](), 60_000)

async function cloneOf(source: { case: 'sourceCellId' | 'sourceSnapshotId'; value: string }) {
  const copy = { cellId: randomUUID(), environmentId: randomUUID() }
  await run('cloneCell', create(CloneCellTaskSchema, { ...copy, stage: CellStage.STAGING, source }))
  return copy
}
const neutralize = (cellId: string, image: string) =>
  run(
    'neutralize',
    create(NeutralizeTaskSchema, {
      cellId,
      image,
      assert: true,
      passwords: PasswordPolicy.DISABLE,
      hostnames: ['failed-41.shop.example.test'],
    }),
  )
const stateOf = async (cellId: string) => (await host.services.pool.requireCell(cellId)).neutrality?.state

/** Starts an image on a copy, and leads a route of the copy's own environment to it. */
async function open({ cellId, environmentId }: { cellId: string; environmentId: string }, image: string) {
  const runtimeId = randomUUID()
  const runtime = create(RuntimeSpecSchema, {
    runtimeId,
    environmentId,
    cellId,
    image,
    stage: CellStage.STAGING,
  })
  await run('startRuntime', create(StartRuntimeTaskSchema, { runtime }))
  const { urls } = await run(
    'switchRoute',
    create(SwitchRouteTaskSchema, {
      environmentId,
      hostnames: [`failed-${runtimeId.slice(0, 8)}.shop.example.test`],
      target: { case: 'runtimeId', value: runtimeId },
    }),
  )
  return urls
}

const refused = { reason: 'not-neutral' }

// First: the update leaves a module behind that each later one would try again.
test('a staging copy whose tests failed is opened once it is proved neutral again, and not before', async () => {
  const copy = await cloneOf({ case: 'sourceCellId', value: production.cellId })
  const { cellId } = copy
  await neutralize(cellId, productionImage)
  const tested = host.apply({
    cellId,
    image: candidate,
    install: ['points_tested'],
    testTags: '/points_tested',
  })
  await expect(tested).rejects.toMatchObject({ reason: 'tests-failed' })
  expect(await stateOf(cellId)).toBe('changed')
  await expect(open(copy, candidate)).rejects.toMatchObject(refused)
  await neutralize(cellId, candidate)
  expect(await open(copy, candidate)).toHaveLength(1)
}, 300_000)

test('the data of an update that ended half-way are opened once both images have made them neutral', async () => {
  const { cellId } = production
  await expect(host.apply({ cellId, image: candidate, install: ['points_broken'] })).rejects.toMatchObject({
    reason: 'data-invalid',
  })
  await run(
    'snapshotCell',
    create(SnapshotCellTaskSchema, { cellId, snapshotId: failedSnapshot, purpose: 'failed' }),
  )
  const copy = await cloneOf({ case: 'sourceSnapshotId', value: failedSnapshot })
  expect(await stateOf(copy.cellId)).toBe('raw')
  expect(await host.query(copy.cellId, `select 1 from ir_mail_server where name = 'points'`)).toHaveLength(1)
  await expect(open(copy, productionImage)).rejects.toMatchObject(refused)
  await expect(open(copy, candidate)).rejects.toMatchObject(refused)

  await neutralize(copy.cellId, productionImage)
  await neutralize(copy.cellId, candidate)
  expect(await stateOf(copy.cellId)).toBe('neutral')
  expect(await findCanaries(host, copy.cellId)).toEqual([])
  const passwords = await host.query<{ smtp_pass: string | null }>(
    copy.cellId,
    'select smtp_pass from ir_mail_server',
  )
  expect(passwords.filter(({ smtp_pass }) => smtp_pass)).toEqual([])
  expect(await open(copy, productionImage)).toHaveLength(1)
}, 300_000)

test('what is kept of them is only read: the next copy is as raw as the first', async () => {
  const copy = await cloneOf({ case: 'sourceSnapshotId', value: failedSnapshot })
  expect(await stateOf(copy.cellId)).toBe('raw')
  expect(await findCanaries(host, copy.cellId)).toEqual(Object.keys(canaries))
  await expect(open(copy, productionImage)).rejects.toMatchObject(refused)
}, 120_000)
