import { z } from 'zod'
import { branchOf, type Change, isNoCommit, notActedOn, tagsAreNotBuilt } from './event.ts'
import { type Forge, type Headed, headerOf } from './forge.ts'
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

/** docs.gitea.com and forgejo.org, "Webhooks": GitHub's payloads with ids of their own, so they are no GitHub’s. */
export const gitea: Forge = {
  name: 'gitea',
  label: 'Gitea or Forgejo',
  neededHeaders: 'X-Gitea-Delivery and X-Gitea-Event (or X-Forgejo-…)',
  findName(request) {
    const id = own(request, 'delivery')
    const event = own(request, 'event')
    return /^[\w-]{1,100}$/.test(id) && /^\w{1,60}$/.test(event) ? { id, event } : undefined
  },
  findProof: (request) => hmacProof(own(request, 'signature')),
  place: { object: 'repository', slug: 'full_name', id: 'id' },
  parse(event, payload) {
    const { repository, pusher, sender } = parseAs(anySchema, payload, 'Gitea')
    const change = changeOf(event, payload)
    return {
      repository: {
        slug: repository.full_name,
        pin: { repository: `gitea:${repository.id}`, owner: `gitea:${repository.owner.id}` },
        defaultBranch: repository.default_branch ?? undefined,
        updatedAt: parseTime(repository.updated_at),
        isNews: change.kind === 'repository',
      },
      actor: pusher?.login || sender?.login || 'unknown',
      email: pusher?.email ?? '',
      changes: [change],
    }
  },
}

const own = (request: Headed, name: string): string =>
  headerOf(request, `x-forgejo-${name}`) || headerOf(request, `x-gitea-${name}`)

const idSchema = z.number().int().positive()
const person = z.object({ login: nameSchema.nullish(), email: emailSchema }).nullish()

const anySchema = z.object({
  repository: z.object({
    full_name: slugSchema,
    id: idSchema,
    owner: z.object({ id: idSchema }),
    default_branch: nameSchema.nullish(),
    updated_at: z.unknown().optional(),
  }),
  pusher: person,
  sender: person,
})

const pushSchema = z.object({
  ref: refSchema,
  after: commitSchema,
  head_commit: z.object({ message: z.string() }).nullish(),
})

const deletionSchema = z.object({ ref: refSchema, ref_type: nameSchema })
const repositorySchema = z.object({ action: nameSchema })

function changeOf(event: string, payload: unknown): Change {
  if (event === 'push') {
    const { ref, after, head_commit } = parseAs(pushSchema, payload, 'Gitea')
    const branch = branchOf(ref)
    if (branch === undefined) return tagsAreNotBuilt
    if (isNoCommit(after)) return { kind: 'delete', branch }
    return { kind: 'push', branch, commit: after, message: head_commit?.message ?? '' }
  }
  if (event === 'delete') {
    const { ref, ref_type } = parseAs(deletionSchema, payload, 'Gitea')
    return ref_type === 'branch' ? { kind: 'delete', branch: branchOf(ref) ?? ref } : tagsAreNotBuilt
  }
  if (event === 'repository') {
    const { action } = parseAs(repositorySchema, payload, 'Gitea')
    return { kind: 'repository', detail: `The repository was ${action}.` }
  }
  return notActedOn(event)
}
