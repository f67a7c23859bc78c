import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveImage } from '../../agent/containers/images.ts'
import { findAddress, runtimeName } from '../../agent/containers/odoo.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { adoptOldRecords } from '../../agent/neutralize/adopt.ts'
import {
  CellStage,
  CloneCellTaskSchema,
  CreateCellTaskSchema,
  NeutralizeTaskSchema,
  PasswordPolicy,
  RestoreCellTaskSchema,
  RuntimeSpecSchema,
  SnapshotCellTaskSchema,
  StartRuntimeTaskSchema,
  SwitchRouteTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { buildAddonImage } from '../support/addon-image.ts'
import { createOdooHost, type OdooHost } from '../support/odoo-host.ts'
import { registry } from '../support/odoo-services.ts'
import { askShell } from '../support/odoo-shell.ts'
import { canaries, findCanaries, keyFilePath, plantCanaries } from '../support/production-canaries.ts'
import { createTask } from '../support/task-context.ts'

// A candidate that wants production's keys. Its own data/neutralize.sql runs before Odoo's in `odoo neutralize`, and its
// hooks run in its update: whatever either finds goes into a table of its own. Real Odoo, one production for all cases.

const loot = `CREATE TABLE IF NOT EXISTS thief_loot (what text);
INSERT INTO thief_loot SELECT key || '=' || value FROM ir_config_parameter;
INSERT INTO thief_loot SELECT smtp_host || ' ' || coalesce(smtp_user, '') || ' ' || coalesce(smtp_pass, '') FROM ir_mail_server;
INSERT INTO thief_loot SELECT login || ' ' || password FROM res_users WHERE password IS NOT NULL;
INSERT INTO thief_loot SELECT name || ' ' || key FROM res_users_apikeys;
INSERT INTO thief_loot SELECT totp_secret FROM res_users WHERE totp_secret IS NOT NULL;
INSERT INTO thief_loot SELECT access_token FROM ir_attachment WHERE access_token IS NOT NULL;
`
const manifestOf = (name: string) =>
  `{'name': '${name}', 'version': '1.0', 'license': 'LGPL-3', 'depends': ['base']}\n`
const broken = `-- A column of an older version; the semicolon in here is none: $$;$$
UPDATE bridge_account SET token = 'dummy; --';

UPDATE bridge_account
   SET secret = 'dummy'
`
const files = {
  'fairway.yaml': 'development:\n  modules: [thief]\n',
  'bridge_api/__manifest__.py': manifestOf('bridge_api'),
  'bridge_api/__init__.py': `from odoo import fields, models


class BridgeAccount(models.Model):
    _name = "bridge.account"
    _description = "Bridge account"

    token = fields.Char()
`,
  'bridge_api/data/neutralize.sql': broken,
  'thief/__manifest__.py':
    "{'name': 'thief', 'version': '1.0', 'license': 'LGPL-3', 'depends': ['base'], 'post_init_hook': 'steal'}\n",
  'thief/__init__.py': `def steal(env):
    env.cr.execute("""${loot}""")
`,
  'thief/data/neutralize.sql': loot,
}
let host: OdooHost
let services: OdooHost['services']
let run: OdooHost['run']
let query: OdooHost['query']
let productionImage: string
let candidate: string
const production = { cellId: randomUUID(), environmentId: randomUUID() }
const never = new AbortController().signal
const hostnames = ['staging.shop.example.test', 'other.shop.example.test']

beforeAll(async () => {
  host = await createOdooHost()
  ;({ services, run, query } = host)
  const reference = `${registry}/fairway/odoo:19.0`
  productionImage = (await resolveImage(services.docker, reference)).reference
  candidate = await buildAddonImage(host.handlers, await host.server.createRepository('thief'), files)
  host.built(candidate)
  await run(
    'createCell',
    create(CreateCellTaskSchema, {
      ...production,
      stage: CellStage.PRODUCTION,
      postgresImage: `${registry}/fairway/postgres:18`,
    }),
  )
  await apply(production.cellId, productionImage, ['base'])
  await plantCanaries(host, production.cellId)
}, 300_000)

afterAll(() => host?.[Symbol.asyncDispose](), 60_000)

const apply = (cellId: string, image: string, install: string[], secrets: { name: string }[] = []) =>
  host.apply({ cellId, image, install, secrets: secrets as never })
const neutralize = (cellId: string, image: string, passwords = PasswordPolicy.DISABLE, task = createTask()) =>
  run('neutralize', create(NeutralizeTaskSchema, { cellId, image, assert: true, passwords, hostnames }), task)
async function clone(from: string = production.cellId, stage = CellStage.STAGING) {
  const cellId = randomUUID()
  const source = { case: 'sourceCellId' as const, value: from }
  await run('cloneCell', create(CloneCellTaskSchema, { cellId, environmentId: randomUUID(), stage, source }))
  return cellId
}
const runtimeOf = (cellId: string, image: string) =>
  create(RuntimeSpecSchema, {
    runtimeId: randomUUID(),
    environmentId: randomUUID(),
    cellId,
    image,
    stage: CellStage.STAGING,
  })
const start = (cellId: string, image: string) =>
  run('startRuntime', create(StartRuntimeTaskSchema, { runtime: runtimeOf(cellId, image) }))
const stateOf = async (cellId: string) => (await services.pool.requireCell(cellId)).neutrality?.state

const found = (cellId: string) => findCanaries(host, cellId)
/** Settings that say where links lead. */
async function linksOf(cellId: string): Promise<Record<string, string>> {
  const rows = await query<{ key: string; value: string }>(
    cellId,
    `select key, value from ir_config_parameter where key like 'web.base.url%' or key in ('report.url', 'shop.returns')`,
  )
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

describe.sequential('a raw copy of production', () => {
  let raw: Awaited<ReturnType<typeof clone>>

  test('is marked from the moment it is there, and so are its snapshots and their clones', async () => {
    raw = await clone()
    expect(await stateOf(raw)).toBe('raw')
    expect(await stateOf(await clone(raw, CellStage.DEVELOPMENT))).toBe('raw')
    const snapshotId = randomUUID()
    await run(
      'snapshotCell',
      create(SnapshotCellTaskSchema, { cellId: raw, snapshotId, purpose: 'prepared' }),
    )
    const cellId = randomUUID()
    const source = { case: 'sourceSnapshotId' as const, value: snapshotId }
    await run(
      'cloneCell',
      create(CloneCellTaskSchema, {
        cellId,
        environmentId: randomUUID(),
        stage: CellStage.DEVELOPMENT,
        source,
      }),
    )
    expect(await stateOf(cellId)).toBe('raw')
  }, 60_000)

  test('serves nobody, gets no secrets, and meets no candidate', async () => {
    await expect(start(raw, productionImage)).rejects.toMatchObject({ reason: 'not-neutral' })
    await expect(start(raw, candidate)).rejects.toMatchObject({ reason: 'not-neutral' })
    const refused = { reason: 'image-not-of-production' }
    await expect(apply(raw, candidate, ['thief'])).rejects.toMatchObject(refused)
    await expect(neutralize(raw, candidate)).rejects.toMatchObject(refused)
    await expect(apply(raw, productionImage, ['web'], [{ name: 'KEY' }])).rejects.toMatchObject({
      reason: 'not-neutral',
    })
    expect(await stateOf(raw)).toBe('raw')
    expect((await query(raw, `select 1 from ir_module_module where name = 'thief'`)).length).toBe(0)
  }, 60_000)

  test('is refused to everybody where nobody knows what its production runs', async () => {
    const { paths: _, images: __, ...record } = await services.pool.requireCell(raw)
    await services.pool.saveCell(record)
    await expect(neutralize(raw, productionImage)).rejects.toMatchObject({
      reason: 'image-not-of-production',
      message: expect.stringContaining('does not know what production runs'),
    })
    await services.pool.saveCell({ ...record, images: [productionImage] })
  })

  test('loses what it knows before an image sees it, and a kill on the way leaves the mark', async () => {
    const task = createTask()
    const stopped = services.cells.note
    services.cells.note = async (cellId, change, signal) => {
      const { neutrality } = change(await services.pool.requireCell(cellId))
      if (neutrality?.state === 'neutral') throw new Error('killed between proof and mark')
      return stopped(cellId, change, signal)
    }
    await expect(neutralize(raw, productionImage, PasswordPolicy.DISABLE, task)).rejects.toThrow('killed')
    services.cells.note = stopped
    expect(await stateOf(raw)).toBe('raw')
    await expect(start(raw, productionImage)).rejects.toMatchObject({ reason: 'not-neutral' })
    const output = await neutralize(raw, productionImage, PasswordPolicy.DISABLE, task.resume())
    expect(output.assertions.filter(({ passed }) => !passed)).toEqual([])
    expect(output).toMatchObject({ passwords: PasswordPolicy.DISABLE, image: productionImage })
    expect(output.administrator).toBeUndefined()
    expect(await stateOf(raw)).toBe('neutral')
    expect(await found(production.cellId)).toEqual(Object.keys(canaries))
    expect(await found(raw)).toEqual([])
    const { paths } = await services.pool.requireCell(raw)
    expect(existsSync(join(paths.filestore, keyFilePath))).toBe(false)
  }, 120_000)

  test('then the candidate gets nothing, in its update as in its own neutralize.sql', async () => {
    await apply(raw, candidate, ['thief'])
    expect(await stateOf(raw)).toBe('changed')
    await expect(start(raw, candidate)).rejects.toMatchObject({ reason: 'not-neutral' })
    await neutralize(raw, candidate)
    const [count] = await query<{ rows: number }>(raw, 'select count(*)::int as rows from thief_loot')
    expect(count?.rows).toBeGreaterThan(10)
    expect(await found(raw)).toEqual([])
  }, 120_000)

  test('and production’s data, put back into it, mark it again, also between a proof and its entry', async () => {
    const snapshotId = randomUUID()
    const cellId = production.cellId
    await run(
      'snapshotCell',
      create(SnapshotCellTaskSchema, { cellId, snapshotId, purpose: 'safety', quiesce: true }),
    )
    const { note, restore } = services.cells
    const done: string[] = []
    let restoring: Promise<unknown> | undefined
    services.cells.restore = (...given) => {
      done.push('restored')
      return restore(...given)
    }
    services.cells.note = async (noted, change, signal) => {
      if (change(await services.pool.requireCell(noted)).neutrality?.state === 'neutral') {
        restoring = run('restoreCell', create(RestoreCellTaskSchema, { cellId: raw, snapshotId }))
        done.push('entered')
      }
      return note(noted, change, signal)
    }
    await neutralize(raw, candidate)
    await restoring
    Object.assign(services.cells, { note, restore })
    expect(done).toEqual(['entered', 'restored'])
    expect(await stateOf(raw)).toBe('raw')
    await expect(start(raw, candidate)).rejects.toMatchObject({ reason: 'not-neutral' })
  }, 60_000)
})

describe.sequential('a neutral copy', () => {
  let cellId: string
  let runtimeId: string

  test('lets the administrator of real Odoo in with the password that was made for it, and nobody else', async () => {
    cellId = await clone()
    const task = createTask()
    const { administrator } = await neutralize(cellId, productionImage, PasswordPolicy.RESET, task)
    expect(administrator?.login).toBe('admin')
    const runtime = runtimeOf(cellId, productionImage)
    runtimeId = runtime.runtimeId
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime }))
    const address = await findAddress(services.docker, runtimeName(runtimeId))
    const signIn = async (login: string, password: string) => {
      const response = await fetch(`http://${address}:8069/web/session/authenticate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', params: { db: DATABASE, login, password } }),
        signal: never,
      })
      const { result } = (await response.json()) as { result?: { uid?: number } }
      return result?.uid
    }
    expect(await signIn('admin', administrator?.password ?? '')).toBe(2)
    expect(await signIn('admin', 'admin')).toBeUndefined()
    // Odoo takes the address at which an administrator signs in for its own, unless it is frozen.
    const own = `http://${hostnames[0]}:${services.proxy.port}`
    expect(await linksOf(cellId)).toEqual({
      'web.base.url': own,
      'web.base.url.freeze': 'True',
      'report.url': own,
      'shop.returns': `${own}/returns`,
    })
    const said = [...task.lines.map(({ text }) => text), ...task.warnings, ...task.artifacts.values()].join(
      '\n',
    )
    expect(said).not.toContain(administrator?.password)
  }, 120_000)

  test('signs nothing that production would take', async () => {
    const runtime = { ...runtimeOf(production.cellId, productionImage), stage: CellStage.PRODUCTION }
    await run('startRuntime', create(StartRuntimeTaskSchema, { runtime }))
    // The links to set a password, of Odoo's own making: signed with database.secret.
    const sign = `from odoo.tools.misc import hash_sign; print('TOKEN', hash_sign(env(su=True), 'signup', [1, [2], None, 'reset'], expiration_hours=24))`
    const token = /TOKEN (\S+)/.exec(await askShell(services, runtimeId, sign))?.[1]
    expect(token).toBeTruthy()
    const verify = (what?: string) =>
      `from odoo.tools.misc import verify_hash_signed; print('VERIFIED', verify_hash_signed(env(su=True), 'signup', '${what}'))`
    expect(await askShell(services, runtimeId, verify(token))).toContain('VERIFIED [1')
    expect(await askShell(services, runtime.runtimeId, verify(token))).toContain('VERIFIED None')
  }, 120_000)

  test('a route leads to it only while it is neutral', async () => {
    const environmentId = randomUUID()
    const route = () =>
      run(
        'switchRoute',
        create(SwitchRouteTaskSchema, {
          environmentId,
          hostnames: ['staging.shop.example.test'],
          target: { case: 'runtimeId', value: runtimeId },
        }),
      )
    expect((await route()).urls).toHaveLength(1)
    const { paths: _, ...record } = await services.pool.requireCell(cellId)
    await services.pool.saveCell({ ...record, neutrality: { state: 'changed' } })
    await expect(route()).rejects.toMatchObject({ reason: 'not-neutral' })
    await services.pool.saveCell(record)
  }, 60_000)

  test('records of before are adopted by whether they serve', async () => {
    const silent = await clone()
    for (const id of [cellId, silent, production.cellId]) {
      const { paths: _, neutrality: __, ...record } = await services.pool.requireCell(id)
      await services.pool.saveCell(record)
    }
    expect(await adoptOldRecords(services, never)).toEqual([silent])
    expect(await stateOf(cellId)).toBe('neutral')
    expect(await stateOf(production.cellId)).toBe('free')
    expect(await adoptOldRecords(services, never)).toEqual([])
  }, 60_000)
})

describe.sequential('a neutralization that fails', () => {
  let cellId: string
  beforeAll(async () => {
    cellId = await clone()
    await neutralize(cellId, productionImage)
    await apply(cellId, candidate, ['bridge_api'])
  }, 120_000)

  test('names the module, its file and line, the statement, and what PostgreSQL says', async () => {
    await expect(neutralize(cellId, candidate)).rejects.toMatchObject({
      reason: 'neutralize-failed',
      message:
        'Odoo could not neutralize the database: bridge_api/data/neutralize.sql, line 5: column "secret" of relation ' +
        `"bridge_account" does not exist (in: UPDATE bridge_account SET secret = 'dummy'). Correct the file and push again.`,
    })
    expect(await stateOf(cellId)).toBe('changed')
    await expect(start(cellId, candidate)).rejects.toMatchObject({ reason: 'not-neutral' })
  }, 90_000)

  test('also where the data do not fit, without showing any', async () => {
    await query(cellId, 'alter table bridge_account add secret varchar check (secret is null)')
    await query(cellId, `insert into bridge_account (token) values ('canary')`)
    const task = createTask()
    const failing = neutralize(cellId, candidate, PasswordPolicy.DISABLE, task)
    await expect(failing).rejects.toMatchObject({
      reason: 'neutralize-failed',
      message: expect.stringMatching(
        /line 4: new row for relation "bridge_account" violates check constraint "\w+" \(in: UPDATE bridge_account SET secret = 'dummy'\)/,
      ),
    })
  }, 90_000)

  const set = `UPDATE bridge_account SET token = 'x'`
  test.each([
    [
      'takes back what others did',
      `${set};\n-- No: ROLLBACK\nROLLBACK;\n${set};`,
      /line 3: it takes back .*\(in: ROLLBACK\)/,
    ],
    [
      'breaks a rule that is asked at the end',
      `${set};\nCREATE TABLE once (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO once VALUES (1), (1);`,
      /line 3: duplicate key value .* \(in: INSERT INTO once VALUES \(1\), \(1\)\)/,
    ],
    [
      'has no statement',
      '-- Nothing to do\n',
      /neutralize\.sql: can't execute an empty query\. It has no statement/,
    ],
  ])(
    'names a file that %s',
    async (_what, sql, says) => {
      const repository = await host.server.createRepository(randomUUID())
      const changed = { ...files, 'bridge_api/data/neutralize.sql': sql }
      const image = await buildAddonImage(host.handlers, repository, changed)
      host.built(image)
      const message = expect.stringMatching(says)
      await expect(neutralize(cellId, image)).rejects.toMatchObject({ reason: 'neutralize-failed', message })
    },
    90_000,
  )

  test('does not ask for a file to be corrected that is not the project’s', async () => {
    await query(cellId, 'alter table ir_mail_server rename column smtp_authentication to gone')
    await expect(neutralize(cellId, candidate)).rejects.toMatchObject({
      message: expect.stringMatching(/ base\/data\/neutralize\.sql, line \d+: .*comes with the base image/),
    })
  }, 90_000)
})
