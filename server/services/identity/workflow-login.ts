import type { JWTPayload } from 'jose'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, notFound } from '../../errors.ts'
import { matchesGlob } from '../../governance/policy/glob.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { createToken } from '../tokens/tokens.ts'
import { createIssuer } from './id-tokens.ts'
import type { Session } from './sessions.ts'

type Exchange = (request: { token: string; project: string }, requestId: string) => Promise<Session>

/** A workflow asks for a new token when it needs one longer. */
const workflowTokenMs = 15 * 60_000
/** What a workflow may do at most; the role `workflow` of the matrix binds it further. */
const workflowScopes = ['build.start', 'read'] as const

/**
 * A GitHub Actions ID token, made for this server's public URL, buys a token for the project of that repository.
 * A project of another repository is answered as an absent one. Throws `project-not-found`, `workflow-ref-refused`
 * and what Issuer.verify throws.
 */
export function createWorkflowLogin({ config, db }: AppContext): Exchange {
  const issuer = createIssuer(config.workflowIssuer)
  return async ({ token, project }, requestId) => {
    const { repository, ref } = requireWorkflow(await issuer.verify(token, config.publicUrl))
    const candidates = await db.scheduler
      .selectFrom('projects')
      .select(['id', 'organization_id'])
      .where((eb) => eb(eb.fn<string>('lower', ['repository_slug']), '=', repository.toLowerCase()))
      .execute()
    const actor = `workflow:${repository}@${ref}`
    for (const candidate of candidates) {
      const op = operation(candidate.organization_id, actor, requestId)
      const session = await withTenant(db, op, async (tx) => {
        const known = await tx
          .selectFrom('projects')
          .select('id')
          .where('id', '=', candidate.id)
          .where('name', '=', project)
          .executeTakeFirst()
        if (!known) return undefined
        await requireAllowedRef(tx, known.id, ref)
        return await createWorkflowToken(tx, op, known.id)
      })
      if (session) return session
    }
    throw notFound('project', JSON.stringify(project), `None of the repository ${repository} has that name.`)
  }
}

function requireWorkflow({ repository, ref }: JWTPayload): { repository: string; ref: string } {
  if (typeof repository === 'string' && typeof ref === 'string' && repository !== '' && ref !== '') {
    return { repository, ref }
  }
  throw new DomainError(
    'unauthenticated',
    'id-token-invalid',
    'The token is no workflow’s: it has no claims repository and ref.',
  )
}

async function requireAllowedRef(tx: Tx, projectId: string, ref: string): Promise<void> {
  const { refs } = (await policyInForce(tx, projectId)).document.workflows
  if (refs.some((pattern) => matchesGlob(pattern, ref))) return
  throw new DomainError(
    'forbidden',
    'workflow-ref-refused',
    `Workflows of ${ref} get no token here: the project’s policy (workflows.refs) allows ${refs.join(', ') || 'none'}.`,
  )
}

async function createWorkflowToken(
  tx: Tx,
  op: ReturnType<typeof operation>,
  projectId: string,
): Promise<Session> {
  const { token, hash } = createToken('ft_')
  const expiresAt = new Date(Date.now() + workflowTokenMs)
  const row = await tx
    .insertInto('tokens')
    .values({
      organization_id: op.organizationId,
      kind: 'workflow',
      name: 'workflow',
      actor: op.actor,
      project_id: projectId,
      scopes: [...workflowScopes],
      token_hash: hash,
      expires_at: expiresAt,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { name: organization } = await tx
    .selectFrom('organizations')
    .select('name')
    .where('id', '=', op.organizationId)
    .executeTakeFirstOrThrow()
  const details = { scopes: workflowScopes, expiresAt: expiresAt.toISOString() }
  await audit(tx, op, 'session.start', { kind: 'token', id: row.id, projectId }, details)
  return { token, organization, member: op.actor, role: 'workflow', expiresAt }
}
