import { createCipheriv, randomBytes } from 'node:crypto'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { openDataKeys } from '../../server/governance/secrets/data-keys.ts'
import { openValue } from '../../server/governance/secrets/envelope.ts'
import { bindingOf, openRow, sealedVersions } from '../../server/governance/secrets/values.ts'
import { query } from '../support/postgres.ts'
import { letSecretsBeRead } from '../support/secrets.ts'
import { arrangeTenant } from '../support/tenant.ts'
import { useSecrets } from '../support/use-secrets.ts'

// What is in the tables, for who has them or changes them.

const { server, tenant, client, set, failure } = useSecrets()

const rows = () =>
  tenant().scope((tx) => sealedVersions(tx).where('secrets.project_id', '=', tenant().projectId).execute())
const keys = async () => {
  const found = await rows()
  return tenant().scope((tx) =>
    openDataKeys(
      tx,
      server().context.sealer,
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
    { secret_id: tenant().projectId },
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
  const other = await arrangeTenant(server().context, tenant().organizationId, `${tenant().project}-other`)
  await set('KEY', 'of-the-first')
  await letSecretsBeRead(other)
  const move = 'update secrets set project_id = $1 where project_id = $2'
  await query(server().database.ownerUrl, move, [other.projectId, tenant().projectId])
  const asked = client().revealSecret({ project: other.project, name: 'KEY' })
  expect((await failure(asked)).code).toBe(Code.Internal)
  await query(server().database.ownerUrl, move, [tenant().projectId, other.projectId])
  await letSecretsBeRead(tenant())
  const reveal = (scope = '') => client().revealSecret({ project: tenant().project, name: 'KEY', scope })
  expect((await reveal()).value).toBe('of-the-first')
  const place = "update secrets set scope = 'development' where project_id = $1"
  await query(server().database.ownerUrl, place, [tenant().projectId])
  expect((await failure(reveal('development'))).code).toBe(Code.Internal)
})

test('a value of the format before is read until all are sealed anew, and then refused', async () => {
  const fresh = await server().createTenant(`former-${tenant().project}`)
  const theirs = await arrangeTenant(server().context, fresh.organizationId, `${tenant().project}-former`)
  await letSecretsBeRead(theirs)
  const own = client(fresh.token)
  const { sealer } = server().context
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
  await query(server().database.ownerUrl, back, [sealed, keyId, secretId])
  expect((await failure(reveal('OLD'))).code).toBe(Code.Internal)
})

test('a data key opens for its organization and version only', async () => {
  await set('KEY', 'whatever')
  const update = 'update data_keys set version = version + 7 where organization_id = $1'
  await query(server().database.ownerUrl, update, [tenant().organizationId])
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
