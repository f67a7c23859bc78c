import { create } from '@bufbuild/protobuf'
import { type Credential, CredentialSchema } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { anyCredential } from '../../governance/secrets/credentials.ts'
import { openDataKeys } from '../../governance/secrets/data-keys.ts'
import { openRow, sealedVersions } from '../../governance/secrets/values.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'

/** Who reads what, and since when; no password and no private key is opened for it. Throws `project-not-found`. */
export async function listCredentials(
  { db, sealer }: AppContext,
  caller: Caller,
  name: string,
): Promise<Credential[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    await authorize(tx, caller, 'secret.list', { projectId: project.id })
    return await viewCredentials(tx, sealer, project.id)
  })
}

/** The project's credentials by kind and host. */
export async function viewCredentials(
  tx: Tx,
  sealer: AppContext['sealer'],
  projectId: string,
): Promise<Credential[]> {
  const rows = await sealedVersions(tx)
    .select('secrets.scope')
    .whereRef('secret_versions.version', '=', 'secrets.current_version')
    .where('secrets.project_id', '=', projectId)
    .where('secrets.scope', 'like', anyCredential)
    .orderBy('secrets.scope')
    .execute()
  const shown = rows.filter(({ name }) => name === 'USERNAME' || name === 'PUBLIC_KEY')
  const keys = await openDataKeys(
    tx,
    sealer,
    shown.map((row) => row.data_key_id),
  )
  const partsOf = (scope: string, name: string) => {
    const row = shown.find((each) => each.scope === scope && each.name === name)
    return row ? openRow(row, keys) : ''
  }
  return rows
    .filter(({ name }) => name === 'PASSWORD' || name === 'SSH_KEY')
    .map(({ scope, name, version, set_by, created_at }) => {
      const colon = scope.indexOf(':')
      return create(CredentialSchema, {
        kind: scope.slice(0, colon),
        host: scope.slice(colon + 1),
        username: partsOf(scope, 'USERNAME'),
        form: name === 'PASSWORD' ? 'password' : 'ssh-key',
        version,
        setBy: set_by,
        setAt: timestampOf(created_at),
        publicKey: partsOf(scope, 'PUBLIC_KEY'),
      })
    })
}

export const credentialNotFound = (project: string, kind: string, host: string) =>
  notFound(
    'credential',
    JSON.stringify(`${kind} ${host}`),
    `List them with \`fairway credential list ${project}\`.`,
  )
