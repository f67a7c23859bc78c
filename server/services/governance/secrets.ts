import { sql } from 'kysely'
import type { Secret } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { anyCredential } from '../../governance/secrets/credentials.ts'
import { currentDataKey, nextDataKey, openDataKeys } from '../../governance/secrets/data-keys.ts'
import { sealBytes, sealValue } from '../../governance/secrets/envelope.ts'
import { maskingNote } from '../../governance/secrets/masking-note.ts'
import {
  maxProjectBytes,
  requireSecretName,
  requireSecretValue,
  tooMuch,
} from '../../governance/secrets/names.ts'
import { bindingOf, openRow, sealedVersions } from '../../governance/secrets/values.ts'
import { requireProject } from '../projects/projects.ts'
import { resolveScope } from './secret-scope.ts'
import { secretNotFound, viewSecrets } from './secret-views.ts'

/** A secret by its names. `scope` is a stage, an environment, or empty for the whole project. */
export interface SecretName {
  readonly project: string
  readonly name: string
  readonly scope: string
}

/**
 * A first or a new version; with `rotate` only a new one. Environments get it when they are started next.
 * Throws `invalid-name`, `invalid-value`, `secret-not-found`, `secrets-too-large`.
 */
export async function setSecret(
  { db, sealer }: AppContext,
  caller: Caller,
  wanted: SecretName & { readonly value: string; readonly rotate: boolean },
): Promise<{ readonly secret: Secret; readonly maskingNote: string }> {
  requireSecretName(wanted.name)
  requireSecretValue(wanted.value)
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    const { scope, environment } = await resolveScope(tx, project, wanted.scope)
    await authorize(tx, caller, 'secret.set', { projectId: project.id, environment })
    // Also keeps two changes of the organization's secrets from counting the same version.
    const dataKey = await currentDataKey(tx, caller, sealer)
    const known = await findSecret(tx, project.id, wanted.name, scope)
    if (!known && wanted.rotate) throw secretNotFound(project.name, wanted.name, scope)
    await requireRoom(tx, project, Buffer.byteLength(wanted.value), known?.id)

    const version = await nextVersion(tx, project.id, wanted.name)
    const { id } = known
      ? await tx
          .updateTable('secrets')
          .set({ current_version: version })
          .where('id', '=', known.id)
          .returning('id')
          .executeTakeFirstOrThrow()
      : await tx
          .insertInto('secrets')
          .values({
            organization_id: caller.organizationId,
            project_id: project.id,
            name: wanted.name,
            scope,
            current_version: version,
          })
          .returning('id')
          .executeTakeFirstOrThrow()
    const binding = {
      organizationId: caller.organizationId,
      projectId: project.id,
      scope,
      secretId: id,
      name: wanted.name,
      version,
    }
    await tx
      .insertInto('secret_versions')
      .values({
        organization_id: caller.organizationId,
        secret_id: id,
        version,
        data_key_id: dataKey.id,
        value_sealed: sealValue(dataKey.key, wanted.value, binding),
        set_by: caller.actor,
      })
      .execute()
    await audit(
      tx,
      caller,
      known ? 'secret.rotate' : 'secret.set',
      { kind: 'secret', id, projectId: project.id },
      { project: project.name, name: wanted.name, scope, version },
    )
    const views = await viewSecrets(tx, project)
    const secret = views.find((view) => view.name === wanted.name && view.scope === scope) as Secret
    return { secret, maskingNote: maskingNote(wanted.value) }
  })
}

/** The values are gone at once; what runs with them keeps them until it is started anew. Throws `secret-not-found`. */
export async function deleteSecret({ db }: AppContext, caller: Caller, wanted: SecretName): Promise<void> {
  await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    const { scope, environment } = await resolveScope(tx, project, wanted.scope)
    const known = await findSecret(tx, project.id, wanted.name, scope)
    if (!known) throw secretNotFound(project.name, wanted.name, scope)
    await authorize(tx, caller, 'secret.set', { projectId: project.id, environment })
    const { numUpdatedRows } = await tx
      .updateTable('secrets')
      .set({ deleted_at: new Date() })
      .where('id', '=', known.id)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw secretNotFound(project.name, wanted.name, scope)
    await tx
      .updateTable('secret_versions')
      .set({ value_sealed: Buffer.alloc(0) })
      .where('secret_id', '=', known.id)
      .execute()
    await audit(
      tx,
      caller,
      'secret.delete',
      { kind: 'secret', id: known.id, projectId: project.id },
      { project: project.name, name: wanted.name, scope, version: known.current_version },
    )
  })
}

/** A new data key, and every version of every secret sealed with it, in one transaction. */
export async function rotateDataKey(
  { db, sealer }: AppContext,
  caller: Caller,
): Promise<{ resealed: number; keyVersion: number }> {
  return await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'secret.rotate-keys')
    // Locks; and values are opened as they are accepted before the new key is there.
    await currentDataKey(tx, caller, sealer)
    const rows = await sealedVersions(tx).forUpdate('secret_versions').execute()
    const keys = await openDataKeys(
      tx,
      sealer,
      rows.map((row) => row.data_key_id),
    )
    const next = await nextDataKey(tx, caller, sealer)
    for (const row of rows) {
      const { secret_id: secretId, version } = row
      const value = openRow(row, keys)
      await tx
        .updateTable('secret_versions')
        .set({
          data_key_id: next.id,
          value_sealed: sealValue(next.key, value, bindingOf(row)),
        })
        .where('secret_id', '=', secretId)
        .where('version', '=', version)
        .execute()
    }
    const details = { keyVersion: next.version, resealed: rows.length }
    await audit(
      tx,
      caller,
      'secret.rotate-keys',
      { kind: 'organization', id: caller.organizationId },
      details,
    )
    return { resealed: rows.length, keyVersion: next.version }
  })
}

const findSecret = (tx: Tx, projectId: string, name: string, scope: string) =>
  tx
    .selectFrom('secrets')
    .select(['id', 'current_version'])
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('scope', '=', scope)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()

/** Counted by project and name, over all scopes and what was deleted: name and version say one value, for ever. */
async function nextVersion(tx: Tx, projectId: string, name: string): Promise<number> {
  const { last } = await tx
    .selectFrom('secrets')
    .select((eb) => eb.fn.max('current_version').as('last'))
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('scope', 'not like', anyCredential)
    .executeTakeFirstOrThrow()
  return (last ?? 0) + 1
}

async function requireRoom(
  tx: Tx,
  project: { id: string; name: string },
  bytes: number,
  replaced: string | undefined,
): Promise<void> {
  const { used } = await tx
    .selectFrom('secrets')
    .innerJoin('secret_versions', (join) =>
      join
        .onRef('secret_versions.secret_id', '=', 'secrets.id')
        .onRef('secret_versions.version', '=', 'secrets.current_version'),
    )
    .select(sql<number>`coalesce(sum(octet_length(value_sealed) - ${sealBytes}), 0)::int`.as('used'))
    .where('project_id', '=', project.id)
    .where('scope', 'not like', anyCredential)
    .where('deleted_at', 'is', null)
    .$if(replaced !== undefined, (query) => query.where('secrets.id', '<>', replaced as string))
    .executeTakeFirstOrThrow()
  if (used + bytes > maxProjectBytes) throw tooMuch(project.name)
}
