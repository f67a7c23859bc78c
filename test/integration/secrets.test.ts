import { createCipheriv, randomBytes } from 'node:crypto'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SecretService } from '../../proto/gen/fairway/v1/secrets_pb.js'
import { openDataKeys } from '../../server/governance/secrets/data-keys.ts'
import { openValue } from '../../server/governance/secrets/envelope.ts'
import { listSecretRefs } from '../../server/governance/secrets/scopes.ts'
import { bindingOf, openRow, openSecrets, sealedVersions } from '../../server/governance/secrets/values.ts'
import { snapshotActions } from '../../server/scheduler/actions/snapshots.ts'
import type { EngineConfig } from '../../server/scheduler/actions/wording.ts'
import type { Engine } from '../../server/scheduler/replay.ts'
import { query } from '../support/postgres.ts'
import { letSecretsBeRead } from '../support/secrets.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let token: string
let organizations = 0

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())
beforeEach(async () => {
  const made = await server.createTenant(`org-${++organizations}`)
  token = made.token
  tenant = await arrangeTenant(server.context, made.organizationId, `shop-${organizations}`)
})

const client = (as = token) => server.client(SecretService, as)
const set = (name: string, value: string, scope = '', rotate = false) =>
  client().setSecret({ project: tenant.project, name, value, scope, rotate })
const list = async () => (await client().listSecrets({ project: tenant.project })).secrets
const failure = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => ConnectError.from(error),
  )
const given = (name: string, stage: 'production' | 'staging' | 'development') =>
  tenant.scope(async (tx) => {
    const place = { projectId: tenant.projectId, environment: { name, stage } }
    const refs = await listSecretRefs(tx, place)
    return Object.fromEntries(await openSecrets(tx, server.context.sealer, place, refs))
  })

describe('a secret', () => {
  test('is given to the environments of its scope, the nearest one first', async () => {
    await arrangeBuild(server.context, tenant, 'feature/x')
    await set('EVERYWHERE', 'for-all')
    await set('KEY', 'of-the-project')
    await set('KEY', 'of-production', 'production')
    await set('KEY', 'of-development', 'development')
    await set('KEY', 'of-feature-x', 'feature/x')
    await set('ONLY_LIVE', 'of-production', 'production')
    expect(await given('production', 'production')).toEqual({
      EVERYWHERE: 'for-all',
      KEY: 'of-production',
      ONLY_LIVE: 'of-production',
    })
    expect(await given('release-1', 'staging')).toEqual({ EVERYWHERE: 'for-all', KEY: 'of-the-project' })
    expect(await given('feature-y', 'development')).toEqual({ EVERYWHERE: 'for-all', KEY: 'of-development' })
    expect(await given('feature-x', 'development')).toEqual({ EVERYWHERE: 'for-all', KEY: 'of-feature-x' })
  })

  test('of production is nobody else’s, whatever an environment is called', async () => {
    await set('LIVE_KEY', 'of-production', 'production')
    expect(await given('production', 'development')).toEqual({})
    expect(await given('production', 'staging')).toEqual({})
    const [ref] = await tenant.scope((tx) =>
      listSecretRefs(tx, {
        projectId: tenant.projectId,
        environment: { name: 'production', stage: 'production' },
      }),
    )
    // Not even when somebody asks for it by name and version.
    const asked = await tenant.scope((tx) =>
      openSecrets(
        tx,
        server.context.sealer,
        { projectId: tenant.projectId, environment: { name: 'release-1', stage: 'staging' } },
        [ref!],
      ),
    )
    expect([...asked]).toEqual([])
  })

  test('counts its versions over all scopes: a name and a version say one value', async () => {
    expect((await set('KEY', 'one')).secret?.version).toBe(1)
    expect((await set('KEY', 'two', 'production')).secret?.version).toBe(2)
    expect((await set('KEY', 'three', '', true)).secret?.version).toBe(3)
    await client().deleteSecret({ project: tenant.project, name: 'KEY' })
    expect((await set('KEY', 'four')).secret?.version).toBe(4)
    expect((await list()).map(({ scope, version }) => `${scope}:${version}`)).toEqual([':4', 'production:2'])
  })

  test('set by two at once is counted once for each', async () => {
    const made = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => set('KEY', `value-${value}`)))
    expect(made.map(({ secret }) => secret?.version).sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('says which running environments have an older version', async () => {
    const build = await arrangeBuild(server.context, tenant, 'feature/old')
    await finishBuild(tenant, build)
    expect((await set('KEY', 'one', 'development')).secret?.staleEnvironments).toEqual(['feature-old'])
    await tenant.scope((tx) =>
      tx
        .updateTable('environments')
        .set({ deployment: JSON.stringify({ secrets: [{ name: 'KEY', version: 1 }] }) })
        .where('id', '=', build.environmentId)
        .execute(),
    )
    expect((await list())[0]?.staleEnvironments).toEqual([])
    expect((await set('KEY', 'two', 'development', true)).secret?.staleEnvironments).toEqual(['feature-old'])
    expect((await set('KEY', 'live', 'production')).secret?.staleEnvironments).toEqual([])
  })

  test('that is deleted leaves nothing to open', async () => {
    await set('KEY', 'gone-for-good')
    await client().deleteSecret({ project: tenant.project, name: 'KEY' })
    const rows = await query<{ value_sealed: Buffer }>(
      server.database.ownerUrl,
      'select v.value_sealed from secret_versions v join secrets s on s.id = v.secret_id where s.project_id = $1',
      [tenant.projectId],
    )
    expect(rows.map(({ value_sealed }) => value_sealed.length)).toEqual([0])
    const again = await failure(client().deleteSecret({ project: tenant.project, name: 'KEY' }))
    expect(again.code).toBe(Code.NotFound)
  })

  test.each([
    ['lower case', { name: 'api_key' }, 'invalid-name'],
    ['a name of libpq', { name: 'PGPASSWORD' }, 'invalid-name'],
    ['an option of Odoo', { name: 'ODOO_ADDONS_PATH' }, 'invalid-name'],
    ['a name of the loader', { name: 'LD_PRELOAD' }, 'invalid-name'],
    ['a name of Python', { name: 'PYTHONPATH' }, 'invalid-name'],
    ['a name of the entrypoint', { name: 'HOST' }, 'invalid-name'],
    ['no value', { value: '' }, 'invalid-value'],
    ['a NUL', { value: 'a\0b' }, 'invalid-value'],
    ['too much', { value: 'x'.repeat(32 * 1024 + 1) }, 'invalid-value'],
    ['a scope that is not there', { scope: 'nowhere' }, 'environment-not-found'],
    ['a rotation of what is not set', { rotate: true }, 'secret-not-found'],
  ])('with %s is refused', async (_, wrong, reason) => {
    const right = {
      project: tenant.project,
      name: 'KEY',
      value: 'never-said-again',
      scope: '',
      rotate: false,
    }
    const error = await failure(client().setSecret({ ...right, ...wrong }))
    expect(error.metadata.get('fairway-reason')).toBe(reason)
    expect(error.rawMessage).not.toContain('never-said-again')
    expect(await list()).toEqual([])
  })

  test('is refused when all of a project’s would not fit into a process', async () => {
    for (let index = 0; index < 32; index++) await set(`KEY_${index}`, 'x'.repeat(32 * 1024))
    const error = await failure(set('ONE_MORE', 'x'))
    expect(error.code).toBe(Code.ResourceExhausted)
    await set('KEY_0', 'smaller')
    await set('ONE_MORE', 'x')
  })
})

test('databases prepared with secrets serve only builds that get the same', async () => {
  const content = { image: 'shop@sha256:0', modules: ['base'], demo: false, testTags: '', variables: {} }
  const keyOf = (layer: 'base' | 'full', name: string, variables = {}) =>
    tenant.scope(async (tx) => {
      let key = ''
      const engine = {
        state: {
          tx,
          run: { stage: 'development' },
          project: { id: tenant.projectId },
          environment: { name },
        },
        effect: async (effect: string, change: () => Promise<unknown>) => {
          if (effect.startsWith('secrets:')) return await change()
          key = effect
          return 'snapshot'
        },
        task: async () => ({ bytes: 0n }),
        once: async () => undefined,
      }
      const actions = snapshotActions(engine as unknown as Engine, { postgresImage: 'p' } as EngineConfig)
      await actions.prepare('cell', { layer, ...content, variables })
      return key
    })
  await arrangeBuild(server.context, tenant, 'feature/own')
  const [base, full] = [await keyOf('base', 'feature-own'), await keyOf('full', 'feature-own')]
  await set('KEY', 'of-feature-own', 'feature/own')
  expect(await keyOf('full', 'feature-own')).not.toBe(full)
  expect(await keyOf('full', 'feature-other')).toBe(full)
  expect(await keyOf('base', 'feature-own')).toBe(base)
  expect(await keyOf('full', 'feature-other', { RUNNING_ENV: 'dev' })).not.toBe(full)
})

describe('at rest', () => {
  const rows = () =>
    tenant.scope((tx) => sealedVersions(tx).where('secrets.project_id', '=', tenant.projectId).execute())
  const keys = async () => {
    const found = await rows()
    return tenant.scope((tx) =>
      openDataKeys(
        tx,
        server.context.sealer,
        found.map((row) => row.data_key_id),
      ),
    )
  }

  test('a value opens for its organization, project, scope, secret, name and version only', async () => {
    await set('KEY', 'bound-to-its-place')
    const [row] = await rows()
    const opened = await keys()
    expect(openRow(row!, opened)).toBe('bound-to-its-place')
    for (const moved of [
      { version: 2 },
      { name: 'OTHER' },
      { secret_id: tenant.projectId },
      { project_id: row!.secret_id },
      { scope: 'production' },
    ]) {
      expect(() => openRow({ ...row!, ...moved }, opened)).toThrow(/authenticate/)
    }
    const flipped = Buffer.from(row!.value_sealed)
    flipped[20]! ^= 1
    expect(() => openRow({ ...row!, value_sealed: flipped }, opened)).toThrow(/authenticate/)
    expect(() => openRow({ ...row!, value_sealed: flipped.subarray(0, 9) }, opened)).toThrow(/cut short/)
    const newer = Buffer.from(row!.value_sealed)
    newer[3] = 3
    expect(() => openRow({ ...row!, value_sealed: newer }, opened)).toThrow(/newer version/)
  })

  test('a row that somebody moved to another project or scope is read by nobody', async () => {
    const other = await arrangeTenant(server.context, tenant.organizationId, `${tenant.project}-other`)
    await set('KEY', 'of-the-first')
    await letSecretsBeRead(other)
    const move = 'update secrets set project_id = $1 where project_id = $2'
    await query(server.database.ownerUrl, move, [other.projectId, tenant.projectId])
    const asked = client().revealSecret({ project: other.project, name: 'KEY' })
    expect((await failure(asked)).code).toBe(Code.Internal)
    await query(server.database.ownerUrl, move, [tenant.projectId, other.projectId])
    await letSecretsBeRead(tenant)
    const reveal = (scope = '') => client().revealSecret({ project: tenant.project, name: 'KEY', scope })
    expect((await reveal()).value).toBe('of-the-first')
    const place = "update secrets set scope = 'development' where project_id = $1"
    await query(server.database.ownerUrl, place, [tenant.projectId])
    expect((await failure(reveal('development'))).code).toBe(Code.Internal)
  })

  test('a value of the format before is read until all are sealed anew, and then refused', async () => {
    const fresh = await server.createTenant(`former-${tenant.project}`)
    const theirs = await arrangeTenant(server.context, fresh.organizationId, `${tenant.project}-former`)
    await letSecretsBeRead(theirs)
    const own = client(fresh.token)
    const { sealer } = server.context
    // As the version before wrote them: a key without a format, and values bound to neither project nor scope.
    const key = randomBytes(32)
    const { secretId, keyId } = await theirs.scope(async (tx) => {
      const { id: keyId } = await tx
        .insertInto('data_keys')
        .values({
          organization_id: fresh.organizationId,
          version: 1,
          key_sealed: sealer.seal(key, `data-key:${fresh.organizationId}:1`),
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      const { id: secretId } = await tx
        .insertInto('secrets')
        .values({
          organization_id: fresh.organizationId,
          project_id: theirs.projectId,
          name: 'OLD',
          current_version: 1,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return { secretId, keyId }
    })
    const bound = JSON.stringify(['fairway-secret', fresh.organizationId, secretId, 'OLD', 1])
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound))
    const sealed = Buffer.concat([nonce, cipher.update('kept'), cipher.final(), cipher.getAuthTag()])
    await theirs.scope((tx) =>
      tx
        .insertInto('secret_versions')
        .values({
          organization_id: fresh.organizationId,
          secret_id: secretId,
          version: 1,
          data_key_id: keyId,
          value_sealed: sealed,
          set_by: 'test',
        })
        .execute(),
    )
    const reveal = (name: string) => own.revealSecret({ project: theirs.project, name })
    expect((await reveal('OLD')).value).toBe('kept')
    // The key goes on with new values, in the new format.
    await own.setSecret({ project: theirs.project, name: 'NEW', value: 'added' })
    expect((await reveal('NEW')).value).toBe('added')
    expect(await own.rotateKeys({})).toMatchObject({ resealed: 2, keyVersion: 2 })
    expect([(await reveal('OLD')).value, (await reveal('NEW')).value]).toEqual(['kept', 'added'])
    // The row of before, put back by who kept it.
    const back = 'update secret_versions set value_sealed = $1, data_key_id = $2 where secret_id = $3'
    await query(server.database.ownerUrl, back, [sealed, keyId, secretId])
    expect((await failure(reveal('OLD'))).code).toBe(Code.Internal)
  })

  test('a data key opens for its organization and version only', async () => {
    await set('KEY', 'whatever')
    const update = 'update data_keys set version = version + 7 where organization_id = $1'
    await query(server.database.ownerUrl, update, [tenant.organizationId])
    await expect(keys()).rejects.toThrow(/authenticate/)
  })

  test('new keys seal every version anew, and the values stay', async () => {
    await set('KEY', 'first')
    await set('KEY', 'second')
    await set('OTHER', 'third')
    const before = await rows()
    const oldKeys = await keys()
    expect(await client().rotateKeys({})).toMatchObject({ resealed: 3, keyVersion: 2 })
    const after = await rows()
    const newKeys = await keys()
    expect(after.map((row) => openRow(row, newKeys)).sort()).toEqual(['first', 'second', 'third'])
    expect(new Set(after.map((row) => row.data_key_id)).size).toBe(1)
    const [old] = oldKeys.values()
    for (const row of after) {
      expect(() => openValue(old!.key, row.value_sealed, bindingOf(row), true)).toThrow(/authenticate/)
      expect(before.map(({ value_sealed }) => value_sealed.toString('hex'))).not.toContain(
        row.value_sealed.toString('hex'),
      )
    }
    // What is set next is under the new key.
    await set('KEY', 'fourth')
    expect(new Set((await rows()).map((row) => row.data_key_id)).size).toBe(1)
  })
})

describe('reading a value', () => {
  const reveal = (as = token) => client(as).revealSecret({ project: tenant.project, name: 'KEY' })

  test('asks for an approval first, gives the value once it has one, and once only', async () => {
    await set('KEY', 'the-value')
    expect((await failure(reveal())).rawMessage).toContain('which nobody may give')
    await server.createMember(tenant.organizationId, 'uma', 'release-manager')
    const first = await failure(reveal())
    expect(first.code).toBe(Code.FailedPrecondition)
    expect(first.metadata.get('fairway-reason')).toBe('approval-waiting')
    expect(first.rawMessage).toMatch(/fairway approval show/)
    // Asked again it is the same request.
    expect((await failure(reveal())).rawMessage).toBe(first.rawMessage)
    await approve()
    expect(await reveal()).toMatchObject({ value: 'the-value', version: 1 })
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('approval-waiting')
  })

  test('is bound to the version and the person', async () => {
    await set('KEY', 'the-value')
    await failure(reveal())
    await approve()
    const other = await server.createMember(tenant.organizationId, 'otto', 'owner')
    expect((await failure(reveal(other))).metadata.get('fairway-reason')).toBe('approval-waiting')
    await set('KEY', 'another-value')
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('approval-waiting')
  })

  test('is for owners', async () => {
    await set('KEY', 'the-value')
    await letSecretsBeRead(tenant)
    const manager = await server.createMember(tenant.organizationId, 'mona', 'release-manager')
    expect((await failure(reveal(manager))).code).toBe(Code.PermissionDenied)
    expect((await reveal()).value).toBe('the-value')
  })

  /** Two other owners agree, as the policy's rule wants it. */
  async function approve() {
    for (const name of ['vera', 'vic']) {
      await server.createMember(tenant.organizationId, name, 'owner')
      await tenant.scope(async (tx) => {
        const { id } = await tx
          .selectFrom('members')
          .select('id')
          .where('name', '=', name)
          .executeTakeFirstOrThrow()
        const open = await tx.selectFrom('approvals').select('id').where('status', '=', 'open').execute()
        for (const approval of open) {
          await tx
            .insertInto('approval_votes')
            .values({
              organization_id: tenant.organizationId,
              approval_id: approval.id,
              member_id: id,
              decision: 'approve',
            })
            .execute()
        }
      })
    }
  }
})

test('what is audited names names and versions, and never a value', async () => {
  await letSecretsBeRead(tenant)
  await set('KEY', 'never-in-the-log-1')
  await set('KEY', 'never-in-the-log-2', '', true)
  await client().revealSecret({ project: tenant.project, name: 'KEY' })
  await client().rotateKeys({})
  await client().deleteSecret({ project: tenant.project, name: 'KEY' })
  const events = await tenant.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .select(['action', 'actor', 'project_id', 'details'])
      .where('action', 'like', 'secret.%')
      .orderBy('id')
      .execute(),
  )
  expect(events.map(({ action }) => action)).toEqual([
    'secret.set',
    'secret.rotate',
    'secret.reveal',
    'secret.rotate-keys',
    'secret.delete',
  ])
  expect(events[2]?.details).toMatchObject({ name: 'KEY', version: 2, basis: 'policy' })
  expect(events.every(({ actor }) => actor === 'member:ana')).toBe(true)
  expect(JSON.stringify(events)).not.toContain('never-in-the-log')
})
