import { z } from 'zod'
import { githubPin, parseGithubId } from '../services/projects/repository-pin.ts'
import { branchOf, type Change, notActedOn, tagsAreNotBuilt } from './event.ts'
import { type Forge, headerOf } from './forge.ts'
import {
  commitSchema,
  emailSchema,
  nameSchema,
  parseAs,
  parseTime,
  refSchema,
  slugSchema,
} from './payload.ts'
import { hmacProof } from './proof.ts'

/** docs.github.com, "Webhook events and payloads"; other git servers that sign as GitHub does send less. */
export const github: Forge = {
  name: 'github',
  label: 'GitHub',
  neededHeaders: 'X-GitHub-Delivery and X-GitHub-Event',
  findName(request) {
    const id = headerOf(request, 'x-github-delivery')
    const event = headerOf(request, 'x-github-event')
    return /^[\w-]{1,100}$/.test(id) && /^\w{1,60}$/.test(event) ? { id, event } : undefined
  },
  findProof: (request) => hmacProof(headerOf(request, 'x-hub-signature-256'), 'sha256='),
  place: { object: 'repository', slug: 'full_name', id: 'id' },
  parse(event, payload) {
    const { repository, pusher, sender } = parseAs(anySchema, payload, 'GitHub')
    const repositoryId = parseGithubId(repository.id)
    const ownerId = parseGithubId(repository.owner?.id)
    const change = changeOf(event, payload)
    return {
      repository: {
        slug: repository.full_name,
        pin: githubPin(repositoryId && ownerId ? { repositoryId, ownerId } : undefined),
        defaultBranch: repository.default_branch ?? undefined,
        updatedAt: parseTime(repository.updated_at),
        isNews: change.kind === 'repository',
      },
      actor: pusher?.name || sender?.login || 'unknown',
      email: pusher?.email ?? '',
      changes: [change],
    }
  },
}

/** What we read of every event; more may be in it. */
const anySchema = z.object({
  repository: z.object({
    full_name: slugSchema,
    id: z.unknown().optional(),
    owner: z.object({ id: z.unknown().optional() }).nullish(),
    default_branch: nameSchema.nullish(),
    updated_at: z.unknown().optional(),
  }),
  pusher: z.object({ name: nameSchema.optional(), email: emailSchema }).optional(),
  sender: z.object({ login: nameSchema }).optional(),
})

const pushSchema = z.object({
  ref: refSchema,
  after: commitSchema,
  deleted: z.boolean().default(false),
  head_commit: z.object({ message: z.string() }).nullish(),
})

const repositorySchema = z.object({ action: nameSchema })

function changeOf(event: string, payload: unknown): Change {
  if (event === 'ping') return { kind: 'pong' }
  if (event === 'repository') {
    const { action } = parseAs(repositorySchema, payload, 'GitHub')
    return { kind: 'repository', detail: `The repository was ${action}.` }
  }
  if (event !== 'push') return notActedOn(event)
  const { ref, after, deleted, head_commit } = parseAs(pushSchema, payload, 'GitHub')
  const branch = branchOf(ref)
  if (branch === undefined) return tagsAreNotBuilt
  return deleted
    ? { kind: 'delete', branch }
    : { kind: 'push', branch, commit: after, message: head_commit?.message ?? '' }
}
