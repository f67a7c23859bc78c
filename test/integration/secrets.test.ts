import { Code } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { listSecretRefs } from '../../server/governance/secrets/scopes.ts'
import { openSecrets } from '../../server/governance/secrets/values.ts'
import { snapshotActions } from '../../server/operations/steps/snapshots.ts'
import type { EngineConfig } from '../../server/operations/steps/wording.ts'
import type { Engine } from '../../server/runs/replay.ts'
import { query } from '../support/postgres.ts'
import { letSecretsBeRead } from '../support/secrets.ts'
import { arrangeBuild, finishBuild } from '../support/tenant.ts'
import { useSecrets } from '../support/use-secrets.ts'

const { server, tenant, client, set, list, failure } = useSecrets()

const given = (name: string, stage: 'production' | 'staging' | 'development') =>
  tenant().scope(async (tx) => {
    const place = { projectId: tenant().projectId, environment: { name, stage } }
    const refs = await listSecretRefs(tx, place)
    return Object.fromEntries(await openSecrets(tx, server().context.sealer, place, refs))
  })

describe('a secret', () => {
  test('is given to the environments of its scope, the nearest one first', async () => {
    await arrangeBuild(server().context, tenant(), 'feature/x')
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
    const [ref] = await tenant().scope((tx) =>
      listSecretRefs(tx, {
        projectId: tenant().projectId,
        environment: { name: 'production', stage: 'production' },
      }),
    )
    // Not even when somebody asks for it by name and version.
    const asked = await tenant().scope((tx) =>
      openSecrets(
        tx,
        server().context.sealer,
        { projectId: tenant().projectId, environment: { name: 'release-1', stage: 'staging' } },
        [ref!],
      ),
    )
    expect([...asked]).toEqual([])
  })

  test('counts its versions over all scopes: a name and a version say one value', async () => {
    expect((await set('KEY', 'one')).secret?.version).toBe(1)
    expect((await set('KEY', 'two', 'production')).secret?.version).toBe(2)
    expect((await set('KEY', 'three', '', true)).secret?.version).toBe(3)
    await client().deleteSecret({ project: tenant().project, name: 'KEY' })
    expect((await set('KEY', 'four')).secret?.version).toBe(4)
    expect((await list()).map(({ scope, version }) => `${scope}:${version}`)).toEqual([':4', 'production:2'])
  })

  test('set by two at once is counted once for each', async () => {
    const made = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => set('KEY', `value-${value}`)))
    expect(made.map(({ secret }) => secret?.version).sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('says which running environments have an older version', async () => {
    const build = await arrangeBuild(server().context, tenant(), 'feature/old')
    await finishBuild(tenant(), build)
    expect((await set('KEY', 'one', 'development')).secret?.staleEnvironments).toEqual(['feature-old'])
    await tenant().scope((tx) =>
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
    await client().deleteSecret({ project: tenant().project, name: 'KEY' })
    const rows = await query<{ value_sealed: Buffer }>(
      server().database.ownerUrl,
      'select v.value_sealed from secret_versions v join secrets s on s.id = v.secret_id where s.project_id = $1',
      [tenant().projectId],
    )
    expect(rows.map(({ value_sealed }) => value_sealed.length)).toEqual([0])
    const again = await failure(client().deleteSecret({ project: tenant().project, name: 'KEY' }))
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
      project: tenant().project,
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
    tenant().scope(async (tx) => {
      let key = ''
      const engine = {
        state: {
          tx,
          run: { stage: 'development' },
          project: { id: tenant().projectId },
          environment: { name },
        },
        effect: async (effect: string, change: () => Promise<unknown>) => {
          if (effect.startsWith('secrets:')) return await change()
          key = effect
          return 'snapshot'
        },
        decide: async (_: string, compute: () => unknown) => await compute(),
        task: async () => ({ bytes: 0n }),
        once: async () => undefined,
      }
      const actions = snapshotActions(engine as unknown as Engine, { postgresImage: 'p' } as EngineConfig)
      await actions.prepare('cell', { layer, ...content, variables })
      return key
    })
  await arrangeBuild(server().context, tenant(), 'feature/own')
  const [base, full] = [await keyOf('base', 'feature-own'), await keyOf('full', 'feature-own')]
  await set('KEY', 'of-feature-own', 'feature/own')
  expect(await keyOf('full', 'feature-own')).not.toBe(full)
  expect(await keyOf('full', 'feature-other')).toBe(full)
  expect(await keyOf('base', 'feature-own')).toBe(base)
  expect(await keyOf('full', 'feature-other', { RUNNING_ENV: 'dev' })).not.toBe(full)
})

describe('reading a value', () => {
  const reveal = (as?: string) => client(as).revealSecret({ project: tenant().project, name: 'KEY' })

  test('asks for an approval first, gives the value once it has one, and once only', async () => {
    await set('KEY', 'the-value')
    expect((await failure(reveal())).rawMessage).toContain('which nobody may give')
    await server().createMember(tenant().organizationId, 'uma', 'release-manager')
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
    const other = await server().createMember(tenant().organizationId, 'otto', 'owner')
    expect((await failure(reveal(other))).metadata.get('fairway-reason')).toBe('approval-waiting')
    await set('KEY', 'another-value')
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('approval-waiting')
  })

  test('is for owners', async () => {
    await set('KEY', 'the-value')
    await letSecretsBeRead(tenant())
    const manager = await server().createMember(tenant().organizationId, 'mona', 'release-manager')
    expect((await failure(reveal(manager))).code).toBe(Code.PermissionDenied)
    expect((await reveal()).value).toBe('the-value')
  })

  /** Two other owners agree, as the policy's rule wants it. */
  async function approve() {
    for (const name of ['vera', 'vic']) {
      await server().createMember(tenant().organizationId, name, 'owner')
      await tenant().scope(async (tx) => {
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
              organization_id: tenant().organizationId,
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
  await letSecretsBeRead(tenant())
  await set('KEY', 'never-in-the-log-1')
  await set('KEY', 'never-in-the-log-2', '', true)
  await client().revealSecret({ project: tenant().project, name: 'KEY' })
  await client().rotateKeys({})
  await client().deleteSecret({ project: tenant().project, name: 'KEY' })
  const events = await tenant().scope((tx) =>
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
