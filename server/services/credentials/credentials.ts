import type { Credential, SetCredentialRequest } from '../../../proto/gen/fairway/v1/credentials_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { anyCredential, type CredentialPart, credentialScope } from '../../governance/secrets/credentials.ts'
import { currentDataKey, type DataKey } from '../../governance/secrets/data-keys.ts'
import { sealValue } from '../../governance/secrets/envelope.ts'
import { credentialMaskingNote } from '../../governance/secrets/masking-note.ts'
import { requireProject } from '../projects/projects.ts'
import { requireHost, requireKind } from './credential-host.ts'
import { partsOf } from './credential-parts.ts'
import { credentialNotFound, viewCredentials } from './credential-views.ts'

/** Hosts of one project. */
const maxHosts = 50

/**
 * A first or a new version for the host; a password takes the place of an SSH key and the other way round. Builds that
 * begin afterwards present it. Throws `invalid-kind`, `invalid-host`, what `partsOf` throws, `too-many-credentials`.
 */
export async function setCredential(
  { db, sealer }: AppContext,
  caller: Caller,
  wanted: SetCredentialRequest,
): Promise<Credential> {
  const kind = requireKind(wanted.kind)
  const host = requireHost(wanted.host)
  const parts = partsOf(kind, host, wanted)
  const scope = credentialScope(kind, host)
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    await authorize(tx, caller, 'credential.set', { projectId: project.id })
    // Also keeps two changes of the organization's secrets from counting the same version.
    const dataKey = await currentDataKey(tx, caller, sealer)
    await requireRoom(tx, project, scope)
    const version = await nextVersion(tx, project.id, scope)
    await forget(tx, project.id, scope, [...parts.keys()])
    for (const [part, value] of parts) {
      await keep(tx, caller, dataKey, { projectId: project.id, scope, part, version }, value)
    }
    const credentials = await viewCredentials(tx, sealer, project.id)
    const credential = credentials.find((each) => each.kind === kind && each.host === host)
    if (!credential) throw new Error(`The credential ${scope} is not there after it was set`)
    const { username, form, publicKey } = credential
    const details = { project: project.name, kind, host, form, username, publicKey, version }
    await audit(tx, caller, 'credential.set', subjectOf(scope, project.id), details)
    return credential
  })
}

/** What whoever sets it has to know of how its password is masked; empty: nothing. */
export const noteOnMasking = ({ password }: Pick<SetCredentialRequest, 'password'>): string =>
  credentialMaskingNote(password)

/** All versions of it. Throws `credential-not-found`, `invalid-kind`, `invalid-host`. */
export async function deleteCredential(
  { db }: AppContext,
  caller: Caller,
  wanted: { readonly project: string; readonly kind: string; readonly host: string },
): Promise<void> {
  const kind = requireKind(wanted.kind)
  const host = requireHost(wanted.host)
  const scope = credentialScope(kind, host)
  await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    await authorize(tx, caller, 'credential.set', { projectId: project.id })
    if ((await forget(tx, project.id, scope, [])) === 0) throw credentialNotFound(project.name, kind, host)
    const details = { project: project.name, kind, host }
    await audit(tx, caller, 'credential.delete', subjectOf(scope, project.id), details)
  })
}

/** Its parts come and go; what stays the same is whom it is for. */
const subjectOf = (scope: string, projectId: string) => ({ kind: 'credential', id: scope, projectId })

interface KeptPart {
  readonly projectId: string
  readonly scope: string
  readonly part: CredentialPart
  readonly version: number
}

async function keep(tx: Tx, caller: Caller, dataKey: DataKey, kept: KeptPart, value: string): Promise<void> {
  const { organizationId } = caller
  const { projectId, scope, part: name, version } = kept
  const { id } = await tx
    .insertInto('secrets')
    .values({ organization_id: organizationId, project_id: projectId, name, scope, current_version: version })
    .onConflict((conflict) =>
      conflict
        .columns(['project_id', 'name', 'scope'])
        .where('deleted_at', 'is', null)
        .doUpdateSet({ current_version: version }),
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  const binding = { organizationId, projectId, scope, secretId: id, name, version }
  await tx
    .insertInto('secret_versions')
    .values({
      organization_id: organizationId,
      secret_id: id,
      version,
      data_key_id: dataKey.id,
      value_sealed: sealValue(dataKey.key, value, binding),
      set_by: caller.actor,
    })
    .execute()
}

/** Deletes the living parts but those named, and every version of their values; how many there were. */
async function forget(
  tx: Tx,
  projectId: string,
  scope: string,
  but: readonly CredentialPart[],
): Promise<number> {
  const gone = await tx
    .updateTable('secrets')
    .set({ deleted_at: new Date() })
    .where('project_id', '=', projectId)
    .where('scope', '=', scope)
    .where('deleted_at', 'is', null)
    .$if(but.length > 0, (query) => query.where('name', 'not in', but))
    .returning('id')
    .execute()
  if (gone.length === 0) return 0
  await tx
    .updateTable('secret_versions')
    .set({ value_sealed: Buffer.alloc(0) })
    .where(
      'secret_id',
      'in',
      gone.map(({ id }) => id),
    )
    .execute()
  return gone.length
}

/** Counted by host, over all parts and what was deleted: the parts of one version were set together. */
async function nextVersion(tx: Tx, projectId: string, scope: string): Promise<number> {
  const { last } = await tx
    .selectFrom('secrets')
    .select((eb) => eb.fn.max('current_version').as('last'))
    .where('project_id', '=', projectId)
    .where('scope', '=', scope)
    .executeTakeFirstOrThrow()
  return (last ?? 0) + 1
}

async function requireRoom(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
  scope: string,
): Promise<void> {
  const others = await tx
    .selectFrom('secrets')
    .select('scope')
    .distinct()
    .where('project_id', '=', project.id)
    .where('scope', 'like', anyCredential)
    .where('scope', '<>', scope)
    .where('deleted_at', 'is', null)
    .execute()
  if (others.length < maxHosts) return
  throw new DomainError(
    'limit',
    'too-many-credentials',
    `${project.name} has credentials for ${maxHosts} hosts, which is the most: delete what is not needed any more.`,
  )
}
