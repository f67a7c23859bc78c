import { createHash } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import { z } from 'zod'
import { type TaskSpec, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../tasks/task.ts'
import { authorizerKeyOf } from './authorizer-chain.ts'

/** What this host goes by. */
export interface Trust {
  readonly hostId: string
  /** PEM of the authority pinned when this host joined. */
  readonly authority: string
}

/** The task that an authorization came with. */
export interface AuthorizedTask {
  readonly taskId: string
  readonly spec: TaskSpec
  /** When this host accepted it, by its own clock. */
  readonly acceptedAtMs: number
}

const sha256 = z.hash('sha256')
const claimsSchema = z.object({
  iss: z.literal('fairway-control-plane'),
  jti: z.string().min(1),
  aud: z.string(),
  action: z.string(),
  cell: z.string(),
  environment: z.string().min(1),
  subject: sha256,
  authorizationId: z.string().min(1),
  spec: sha256,
  iat: z.int(),
  exp: z.int(),
})
export type Authorization = z.infer<typeof claimsSchema>

/** Clocks of a fleet differ. */
const toleranceMs = 10 * 60_000
/** No authorization is good for longer, whatever it says of itself. */
const longestLifeMs = 24 * 3_600_000

export const sha256OfSpec = (spec: TaskSpec): string =>
  createHash('sha256').update(toBinary(TaskSpecSchema, spec)).digest('hex')

/**
 * Reads an authorization and checks that the fleet's authorizer has signed it, for this host and exactly this task, and
 * that it was good when the task was accepted. What of production it covers is compared by the caller.
 *
 * @throws TaskError `authorization-invalid`, `authorization-expired`
 */
export async function verifyAuthorization(
  jws: string,
  task: AuthorizedTask,
  trust: Trust,
): Promise<Authorization> {
  const claims = await readSigned(jws, trust, task.acceptedAtMs)
  const differing = Object.entries({
    aud: trust.hostId,
    jti: task.taskId,
    action: task.spec.kind.case ?? '',
    spec: sha256OfSpec(task.spec),
  }).find(([name, value]) => claims[name as keyof Authorization] !== value)
  if (differing) throw invalid(`it is for another ${wordsFor[differing[0] as keyof typeof wordsFor]}`)
  requireTime(claims, task.acceptedAtMs)
  return claims
}

const wordsFor = {
  aud: 'host',
  jti: 'task',
  action: 'kind of task',
  spec: 'specification: the task was changed after it was signed',
}

async function readSigned(jws: string, { authority }: Trust, atMs: number): Promise<Authorization> {
  // Production changes seldom: a resident agent should not carry the library all the time.
  const { compactVerify, decodeProtectedHeader } = await import('jose')
  try {
    const { typ, x5c } = decodeProtectedHeader(jws)
    if (typ !== 'fairway-authorization+jws') throw new Error('it is no authorization')
    const key = authorizerKeyOf(x5c, authority, { ms: atMs, toleranceMs })
    const { payload } = await compactVerify(jws, key, { algorithms: ['ES256'] })
    return claimsSchema.parse(JSON.parse(new TextDecoder().decode(payload)))
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      throw invalid('its claims cannot be read', error)
    throw invalid((error as Error).message, error)
  }
}

function requireTime({ iat, exp }: Authorization, atMs: number): void {
  const [from, until] = [iat * 1_000, exp * 1_000]
  if (until <= from || until - from > longestLifeMs)
    throw invalid('it would be good for longer than any may be')
  const clock = `this host's clock said ${new Date(atMs).toISOString()}`
  if (atMs + toleranceMs < from) {
    throw invalid(
      `it was signed at ${new Date(from).toISOString()}, and ${clock}: ` +
        `the clock is ${minutes(from - atMs)} behind the server's; set it, then run this again`,
    )
  }
  if (atMs - toleranceMs > until) {
    throw new TaskError(
      'authorization-expired',
      `The authorization ended at ${new Date(until).toISOString()}, and ${clock} when the task came. Either it came late, ` +
        `or the clock is ${minutes(atMs - until)} ahead of the server's: compare them, then run this again`,
    )
  }
}

const minutes = (ms: number) => `about ${Math.round(ms / 60_000)} min`

const invalid = (why: string, cause?: unknown) =>
  new TaskError(
    'authorization-invalid',
    `The authorization for changing production is refused: ${why}`,
    cause === undefined ? undefined : { cause },
  )
