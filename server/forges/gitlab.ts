import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RepositoryPin } from '../services/projects/repository-pin.ts'
import { branchOf, type Change, isNoCommit, notActedOn, tagsAreNotBuilt } from './event.ts'
import { type Forge, headerOf } from './forge.ts'
import { commitSchema, emailSchema, nameSchema, parseAs, refSchema, slugSchema } from './payload.ts'

/** docs.gitlab.com, "Webhooks" and "Webhook events": the secret itself comes with each delivery, no signature. */
export const gitlab: Forge = {
  name: 'gitlab',
  label: 'GitLab',
  neededHeaders: 'X-Gitlab-Event',
  findName(request) {
    const event = headerOf(request, 'x-gitlab-event')
    const key = headerOf(request, 'idempotency-key') || headerOf(request, 'x-gitlab-event-uuid')
    return /^[\w ]{1,60}$/.test(event) ? { id: /^[\w-]{1,60}$/.test(key) ? key : '', event } : undefined
  },
  // Of retries the key is the same. Events that set each other off share one, so the bytes are in it.
  completeId(key, body) {
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 32)
    return key ? `${key}-${digest}` : digest
  },
  findProof(request) {
    const token = headerOf(request, 'x-gitlab-token')
    return token ? { token } : undefined
  },
  place: { object: 'project', slug: 'path_with_namespace', id: 'id' },
  parse(event, payload) {
    const { project, user_username, user_name, user_email } = parseAs(anySchema, payload, 'GitLab')
    return {
      repository: {
        slug: project.path_with_namespace,
        pin: pinOf(project),
        defaultBranch: project.default_branch ?? undefined,
      },
      actor: user_username || user_name || 'unknown',
      email: user_email ?? '',
      changes: [changeOf(event, payload)],
    }
  },
}

const projectSchema = z.object({
  id: z.number().int().positive(),
  path_with_namespace: slugSchema,
  default_branch: nameSchema.nullish(),
})

/** Who owns it is said by its group's path alone. */
function pinOf({ id, path_with_namespace: path }: z.infer<typeof projectSchema>): RepositoryPin {
  return { repository: `gitlab:${id}`, owner: `gitlab:${path.slice(0, path.lastIndexOf('/'))}` }
}

const anySchema = z.object({
  project: projectSchema,
  user_username: nameSchema.nullish(),
  user_name: nameSchema.nullish(),
  user_email: emailSchema,
})

const pushSchema = z.object({
  ref: refSchema,
  after: commitSchema,
  checkout_sha: commitSchema.nullish(),
  commits: z.array(z.object({ id: nameSchema, message: z.string() })).default([]),
})

function changeOf(event: string, payload: unknown): Change {
  if (event === 'Tag Push Hook') return tagsAreNotBuilt
  if (event !== 'Push Hook') return notActedOn(event)
  const { ref, after, commits } = parseAs(pushSchema, payload, 'GitLab')
  const branch = branchOf(ref)
  if (branch === undefined) return tagsAreNotBuilt
  if (isNoCommit(after)) return { kind: 'delete', branch }
  const message = commits.find(({ id }) => id === after)?.message ?? ''
  return { kind: 'push', branch, commit: after, message }
}
