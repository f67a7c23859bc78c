import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { protect, type Verdict } from '../../governance/protect.ts'
import { openDataKeys } from '../../governance/secrets/data-keys.ts'
import { openRow, sealedVersions } from '../../governance/secrets/values.ts'
import { requireProject } from '../projects/projects.ts'
import { resolveScope } from './secret-scope.ts'
import { secretNotFound } from './secret-views.ts'
import type { SecretName } from './secrets.ts'

export interface RevealedSecret {
  readonly value: string
  readonly version: number
}

/**
 * The value of the newest version, as far as the policy lets it go: where it needs an approval, the first call asks for
 * one and throws `approval-waiting`; the same call of the same person gives the value once when it has been given.
 */
export async function revealSecret(
  { db, sealer }: AppContext,
  caller: Caller,
  wanted: SecretName,
): Promise<RevealedSecret> {
  const { verdict, revealed } = await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    const { scope, environment } = await resolveScope(tx, project, wanted.scope)
    const row = await sealedVersions(tx)
      .whereRef('secret_versions.version', '=', 'secrets.current_version')
      .where('secrets.project_id', '=', project.id)
      .where('secrets.name', '=', wanted.name)
      .where('secrets.scope', '=', scope)
      .executeTakeFirst()
    if (!row) throw secretNotFound(project.name, wanted.name, scope)
    await authorize(tx, caller, 'secret.reveal', { projectId: project.id, environment })

    const what = { project: project.name, name: row.name, scope, version: row.version }
    const verdict = await protect(tx, caller, {
      action: 'secret-read',
      projectId: project.id,
      environmentId: environment?.id,
      subject: { action: 'secret-read', ...what, reader: caller.actor },
      summary: `${caller.actor} reads ${row.name}${scope && ` (${scope})`} version ${row.version} of ${project.name}`,
      requestedBy: caller.actor,
      requesterId: caller.access.memberId,
      requesterIssuers: caller.access.loginIssuers,
    })
    if (verdict.kind !== 'authorized') return { verdict }
    const subject = { kind: 'secret', id: row.secret_id, projectId: project.id }
    const { authorizationId, basis } = verdict
    await audit(tx, caller, 'secret.reveal', subject, { ...what, authorizationId, basis })
    const keys = await openDataKeys(tx, sealer, [row.data_key_id])
    return { verdict, revealed: { value: openRow(row, keys), version: row.version } }
  })
  if (revealed) return revealed
  throw notNow(verdict, wanted)
}

/** Thrown after the commit: the request for an approval stays. */
function notNow(verdict: Verdict, { name }: SecretName) {
  if (verdict.kind === 'waiting') {
    return wrongState(
      'approval-waiting',
      `${name} is not shown without an approval (${verdict.approvalId}): it ${verdict.reason}. Then run this again.`,
    )
  }
  const reason = verdict.kind === 'refused' ? verdict.reason : ''
  return wrongState('approval-refused', `${name} is not shown: ${reason}.`)
}
