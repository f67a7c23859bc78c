import { z } from 'zod'
import { invalid } from '../errors.ts'
import { parseGithubId, type RepositoryIds } from '../services/projects/repository-pin.ts'

const repository = z.object({
  full_name: z
    .string()
    .max(200)
    .regex(/^[\w.-]+(\/[\w.-]+)*$/),
  id: z.unknown().optional(),
  owner: z.object({ id: z.unknown().optional() }).nullish(),
})

/** What we read of every event; more may be in it. */
const anySchema = z.object({
  repository,
  pusher: z.object({ name: z.string().max(100) }).optional(),
  sender: z.object({ login: z.string().max(100) }).optional(),
})

const pushSchema = z.object({
  ref: z.string().max(300),
  after: z.string().regex(/^[0-9a-f]{40}$/),
  deleted: z.boolean().default(false),
  head_commit: z.object({ message: z.string() }).nullish(),
  pusher: z.object({ email: z.string().max(300).nullish() }).optional(),
})

export interface Envelope {
  readonly slug: string
  /** None where the payload has none: it is of another git server. */
  readonly ids: RepositoryIds | undefined
  /** Who pushed, as the payload says. */
  readonly pusher: string
  readonly payload: unknown
}

/** Before the signature is checked: only what says whose secret to check it with. Throws `invalid-payload`. */
export function parseEnvelope(body: Buffer): Envelope {
  const payload = parseJson(body)
  const parsed = anySchema.safeParse(payload)
  if (!parsed.success) throw invalid('payload', 'The payload names no repository (`repository.full_name`).')
  const { pusher, sender } = parsed.data
  const { full_name, id, owner } = parsed.data.repository
  const repositoryId = parseGithubId(id)
  const ownerId = parseGithubId(owner?.id)
  return {
    slug: full_name,
    ids: repositoryId && ownerId ? { repositoryId, ownerId } : undefined,
    pusher: pusher?.name || sender?.login || 'unknown',
    payload,
  }
}

export interface Push {
  /** Undefined for tags. */
  readonly branch?: string
  readonly commit: string
  readonly message: string
  /** E-mail address of whoever pushed; empty where the payload has none. */
  readonly email: string
  readonly deleted: boolean
}

/** Throws `invalid-payload`. */
export function parsePush(payload: unknown): Push {
  const parsed = pushSchema.safeParse(payload)
  if (!parsed.success)
    throw invalid('payload', 'The push payload needs `ref` and `after` as GitHub sends them.')
  const { ref, after, deleted, head_commit, pusher } = parsed.data
  const prefix = 'refs/heads/'
  return {
    branch: ref.startsWith(prefix) ? ref.slice(prefix.length) : undefined,
    commit: after,
    message: head_commit?.message ?? '',
    email: pusher?.email ?? '',
    deleted,
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw invalid('payload', 'The payload is not JSON. Set the webhook’s content type to application/json.')
    }
    throw error
  }
}
