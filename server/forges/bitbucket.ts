import { z } from 'zod'
import { type Change, notActedOn, tagsAreNotBuilt } from './event.ts'
import { type Forge, headerOf } from './forge.ts'
import { commitSchema, nameSchema, parseAs, slugSchema } from './payload.ts'
import { hmacProof } from './proof.ts'

/** support.atlassian.com, "Event payloads" of Bitbucket Cloud. Which branch is the default one they do not say. */
export const bitbucket: Forge = {
  name: 'bitbucket',
  label: 'Bitbucket',
  neededHeaders: 'X-Request-UUID and X-Event-Key',
  findName(request) {
    // The same for each attempt (X-Attempt-Number).
    const id = headerOf(request, 'x-request-uuid').replace(/^\{|\}$/g, '')
    const event = headerOf(request, 'x-event-key')
    return /^[\w-]{1,100}$/.test(id) && /^[\w:]{1,60}$/.test(event) ? { id, event } : undefined
  },
  findProof: (request) => hmacProof(headerOf(request, 'x-hub-signature'), 'sha256='),
  place: { object: 'repository', slug: 'full_name', id: 'uuid' },
  parse(event, payload) {
    const { repository, actor } = parseAs(anySchema, payload, 'Bitbucket')
    const owner = (repository.workspace ?? repository.owner)?.uuid
    return {
      repository: {
        slug: repository.full_name,
        pin: owner ? { repository: `bitbucket:${repository.uuid}`, owner: `bitbucket:${owner}` } : undefined,
        defaultBranch: repository.mainbranch?.name ?? undefined,
      },
      actor: actor?.nickname || actor?.display_name || 'unknown',
      email: '',
      changes: changesOf(event, payload),
    }
  },
}

const uuidSchema = z.string().regex(/^\{[0-9a-f-]{36}\}$/)
const ownerSchema = z.object({ uuid: uuidSchema }).nullish()

const anySchema = z.object({
  repository: z.object({
    full_name: slugSchema,
    uuid: uuidSchema,
    workspace: ownerSchema,
    owner: ownerSchema,
    mainbranch: z.object({ name: nameSchema.nullish() }).nullish(),
  }),
  actor: z.object({ nickname: nameSchema.nullish(), display_name: nameSchema.nullish() }).nullish(),
})

const refSchema = z.object({ type: nameSchema, name: nameSchema })
const headSchema = refSchema.extend({
  target: z.object({ hash: commitSchema, message: z.string().nullish() }),
})

const pushSchema = z.object({
  push: z.object({
    changes: z
      .array(z.object({ old: refSchema.nullish(), new: z.union([headSchema, refSchema]).nullish() }))
      .min(1)
      .max(100),
  }),
})

function changesOf(event: string, payload: unknown): Change[] {
  if (event === 'repo:updated') return [{ kind: 'repository', detail: 'The repository was changed.' }]
  if (event === 'diagnostics:ping') return [{ kind: 'pong' }]
  if (event !== 'repo:push') return [notActedOn(event)]
  return parseAs(pushSchema, payload, 'Bitbucket').push.changes.map((change) => {
    const ref = change.new ?? change.old
    if (ref?.type !== 'branch') return tagsAreNotBuilt
    if (!change.new) return { kind: 'delete', branch: ref.name }
    const head = parseAs(headSchema, change.new, 'Bitbucket')
    return { kind: 'push', branch: head.name, commit: head.target.hash, message: head.target.message ?? '' }
  })
}
