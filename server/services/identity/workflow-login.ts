import type { JWTPayload } from 'jose'
import { z } from 'zod'
import { matchesGlob } from '../../../lib/glob/matches-glob.ts'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, notFound } from '../../errors.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { isAtHost } from '../projects/project-fields.ts'
import { requireSameRepository } from '../projects/repository-claim.ts'
import { githubPin, parseGithubId, type RepositoryIds } from '../projects/repository-pin.ts'
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
 * A project of another repository is answered as an absent one, and so is one of another git host whose ids nobody gave. The token is bound to the ref and commit that the workflow
 * runs for. Throws `project-not-found`, `workflow-ref-refused`, `workflow-event-refused`, `repository-changed` and what
 * Issuer.verify throws.
 */
export function createWorkflowLogin({ config, db }: AppContext): Exchange {
  const issuer = createIssuer(config.workflowIssuer)
  const host = config.workflowHost
  return async ({ token, project }, requestId) => {
    const workflow = requireWorkflow(await issuer.verify(token, config.publicUrl))
    const { repository, ref, ids } = workflow
    const candidates = await db.scheduler
      .selectFrom('projects')
      .select(['id', 'organization_id'])
      .where((eb) =>
        eb.or([
          eb(eb.fn<string>('lower', ['repository_slug']), '=', repository.toLowerCase()),
          eb('github_repository_id', '=', ids.repositoryId),
        ]),
      )
      .execute()
    const actor = `workflow:${repository}@${ref}`
    for (const candidate of candidates) {
      const op = operation(candidate.organization_id, actor, requestId)
      const session = await withTenant(db, op, async (tx) => {
        const known = await tx
          .selectFrom('projects')
          .select(['id', 'repository_url', 'github_repository_id'])
          .where('id', '=', candidate.id)
          .where('name', '=', project)
          .where('deleted_at', 'is', null)
          .executeTakeFirst()
        // Of another git host, whoever has a repository of that name at GitHub is a stranger, until ids say otherwise.
        const isNamesake = !known?.github_repository_id && !isAtHost(known?.repository_url ?? '', host)
        if (!known || isNamesake) return undefined
        await requireSameRepository(tx, op, known.id, { slug: repository, pin: githubPin(ids) })
        await requireAllowed(tx, known.id, workflow)
        return await createWorkflowToken(tx, op, known.id, workflow)
      })
      if (session) return session
    }
    const hint = `None of the repository ${repository} at ${host} has that name. One of another git host is pinned first: \`fairway project pin\`.`
    throw notFound('project', JSON.stringify(project), hint)
  }
}

/** What a workflow's token says of it (docs.github.com, "OpenID Connect reference"). */
const workflowSchema = z.object({
  repository: z.string().min(1).max(200),
  ref: z.string().min(1).max(300),
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  event_name: z.string().min(1).max(100),
  repository_id: z.string().transform(parseGithubId).pipe(z.number()),
  repository_owner_id: z.string().transform(parseGithubId).pipe(z.number()),
})

interface Workflow {
  readonly repository: string
  readonly ids: RepositoryIds
  readonly ref: string
  readonly commit: string
  readonly event: string
}

function requireWorkflow(claims: JWTPayload): Workflow {
  const { data, error } = workflowSchema.safeParse(claims)
  if (data) {
    const ids = { repositoryId: data.repository_id, ownerId: data.repository_owner_id }
    return { repository: data.repository, ids, ref: data.ref, commit: data.sha, event: data.event_name }
  }
  const lacking = [...new Set(error.issues.map(({ path }) => String(path[0])))].join(', ')
  throw new DomainError(
    'unauthenticated',
    'id-token-invalid',
    `The token is no workflow’s: these claims are missing or not as GitHub writes them: ${lacking}.`,
  )
}

async function requireAllowed(tx: Tx, projectId: string, { ref, event }: Workflow): Promise<void> {
  const { refs, events } = (await policyInForce(tx, projectId)).document.workflows
  if (!events.some((pattern) => matchesGlob(pattern, event))) {
    throw new DomainError(
      'forbidden',
      'workflow-event-refused',
      `Workflows that the event ${event} starts get no token here: the project’s policy (workflows.events) allows ` +
        `${events.join(', ') || 'none'}.`,
    )
  }
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
  { ref, commit, event }: Workflow,
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
      workflow_ref: ref,
      workflow_commit: commit,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { name: organization } = await tx
    .selectFrom('organizations')
    .select('name')
    .where('id', '=', op.organizationId)
    .executeTakeFirstOrThrow()
  const details = { scopes: workflowScopes, ref, commit, event, expiresAt: expiresAt.toISOString() }
  await audit(tx, op, 'session.start', { kind: 'token', id: row.id, projectId }, details)
  return { token, organization, member: op.actor, role: 'workflow', expiresAt }
}
