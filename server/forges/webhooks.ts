import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppContext } from '../context.ts'
import { DomainError } from '../errors.ts'
import { outageOf } from '../services/outage.ts'
import { refusedTextOf } from '../services/refused-text.ts'
import { isUuid } from '../services/uuid.ts'
import { BodyError, type BodyFault, createBodyReader } from './body.ts'
import { handleDelivery, type Outcome } from './deliveries.ts'
import { type Heading, RefusedDelivery, requireHeading, stranger } from './heading.ts'
import { outcomeLines } from './outcome-lines.ts'
import { parseJson } from './payload.ts'
import { forgeOf } from './recognize.ts'
import { createRefusals, type Refusal, type Refusals } from './refusals.ts'
import { createRepositoryScan, type NamedRepository } from './repository-scan.ts'
import { findSenders } from './senders.ts'

/** All lead to the same: who sent a delivery is said by its headers. */
const addresses = ['github', 'gitlab', 'gitea', 'forgejo', 'bitbucket', 'git']

/**
 * `POST /webhooks/<forge>`, with the project's id behind it where one repository is of many projects: 202 says what was done;
 * 401 for an unknown repository and for a bad signature alike; 400 for a payload that the forge would not send; 409 for one
 * of another repository than the project's; 503 when it should come again.
 */
export function addWebhooks(scope: FastifyInstance, context: AppContext): void {
  // The signature is over the bytes as they came.
  scope.removeAllContentTypeParsers()
  const bodies = createBodyReader()
  const refusals = createRefusals(context)
  scope.addHook('onClose', () => refusals.close())
  const readWith = (isJson: boolean) => async (request: FastifyRequest, stream: Readable) => {
    const heading = requireHeading(request)
    const { place } = heading.forge
    if (isJson !== (place !== undefined)) throw otherType
    const scan = place && createRepositoryScan(place)
    const body = await bodies.read(request, stream, scan?.write ?? (() => undefined))
    return { ...heading, body, named: scan?.found() ?? nothingNamed } satisfies Read
  }
  scope.addContentTypeParser('application/json', readWith(true))
  scope.addContentTypeParser('text/plain', readWith(false))
  scope.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => bodies.release(request))
  })
  scope.setErrorHandler(createRefusal(context, refusals))
  for (const address of addresses) {
    for (const path of [`/webhooks/${address}`, `/webhooks/${address}/:project`]) {
      scope.post<{ Params: { project?: string } }>(path, async (request, reply) => {
        try {
          return await receive(context, refusals, request, reply)
        } catch (error) {
          return await refuse(context, refusals, error, request, reply)
        }
      })
    }
  }
}

const nothingNamed: NamedRepository = { slug: undefined, id: undefined }
const otherType = Object.assign(new Error('Unsupported Media Type'), { statusCode: 415 })

interface Read extends Heading {
  readonly body: Buffer
  readonly named: NamedRepository
}

/** For what no delivery could be read from; counts since the start of the server are in its log. */
function createRefusal({ log }: AppContext, refusals: Refusals) {
  const sinceStart: Record<BodyFault, number> = { 'too-large': 0, 'cut-off': 0, busy: 0, slow: 0 }
  return async (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    note(refusals, request as Delivering, kindOf(error), messageOf(error))
    if (error instanceof BodyError) {
      sinceStart[error.fault] += 1
      const { fault, receivedBytes, declaredBytes } = error
      const sender = { address: request.ip, agent: request.headers['user-agent'] }
      log.warn(
        {
          requestId: request.id,
          fault,
          receivedBytes,
          declaredBytes,
          ...sender,
          sinceStart: { ...sinceStart },
        },
        'webhook body not taken',
      )
      if (fault === 'busy') reply.header('retry-after', '60')
      // What is still to come is not waited for.
      if (fault === 'slow') reply.header('connection', 'close')
      return await reply.code(error.statusCode).send({ error: error.message, reason: `body-${fault}` })
    }
    const code = (error as { statusCode?: number }).statusCode ?? 500
    log.warn({ err: error, requestId: request.id }, 'webhook not read')
    const said = code < 500 ? error.message : failed(request)
    return await reply.code(code).send({ error: said })
  }
}

type Delivering = FastifyRequest<{ Params: { project?: string } }>

/** For who looks after the project that it was sent to. */
function note(refusals: Refusals, request: Delivering, reason: Refusal['reason'], explanation: string): void {
  const read = request.body as Read | undefined
  const { project } = request.params
  if (project === undefined ? !read : !isUuid(project)) return
  const forge = read?.forge ?? forgeOf(request)
  refusals.note({
    forge,
    reason,
    explanation,
    event: read?.name.event ?? forge.findName(request)?.event ?? '',
    named: read?.named ?? { slug: undefined, id: undefined },
    projectId: project,
    requestId: request.id,
  })
}

function kindOf(error: Error): Refusal['reason'] {
  if (error instanceof BodyError) return 'body'
  if (error instanceof RefusedDelivery) return error.statusCode === 401 ? 'unsigned' : 'headers'
  return ((error as { statusCode?: number }).statusCode ?? 500) < 500 ? 'headers' : 'server-failed'
}

const unsigned =
  'It has no signature, or one that no secret makes: the webhook at the git server lacks the project’s secret.'
const wrongSignature =
  'Its signature was made with another secret than the project’s: give the git server the one that the project has ' +
  '(fairway project webhook rotate PROJECT makes a new one).'

const messageOf = (error: Error): string =>
  error instanceof RefusedDelivery && error.statusCode === 401 ? unsigned : error.message

async function receive(context: AppContext, refusals: Refusals, request: Delivering, reply: FastifyReply) {
  const read = request.body as Read | undefined
  const { project } = request.params
  const refuseUnreadable = async (error: string) => {
    note(refusals, request, 'payload', error)
    return await reply.code(400).send({ error })
  }
  if (!read || !isAddressed(read, project)) {
    return await refuseUnreadable('The payload names no repository.')
  }
  // Such bytes were not sent by any forge.
  if (!isUtf8(read.body)) return await refuseUnreadable('The payload is not UTF-8.')
  const { forge, name, body, named } = read
  const refuseStranger = async () => {
    context.log.warn({ requestId: request.id, forge: forge.name, named }, 'webhook refused')
    note(refusals, request, 'signature', wrongSignature)
    return await reply.code(401).send({ error: stranger })
  }
  if (project !== undefined && !isUuid(project)) return await refuseStranger()
  const signers = await findSenders(context, { ...read, projectId: project, requestId: request.id })
  if (signers.length === 0) return await refuseStranger()
  const content = forge.parse(name.event, (forge.read ?? parseJson)(body))
  const senders = forge.place ? signers.filter(({ isOf }) => isOf(content.repository)) : signers
  if (senders.length === 0) return await refuseStranger()
  const delivery = {
    id: forge.completeId?.(name.id, body) ?? name.id,
    event: name.event,
    actor: `${forge.name}:${read.actor || content.actor}`,
    requestId: request.id,
    content,
  }
  const outcomes: Outcome[] = []
  for (const sender of senders) {
    const own = forge.place
      ? content
      : { ...content, repository: { ...content.repository, slug: sender.slug } }
    outcomes.push(await handleDelivery(context, sender, { ...delivery, content: own }))
  }
  context.log.info(
    { requestId: request.id, delivery: delivery.id, slug: content.repository.slug, outcomes },
    'webhook',
  )
  // Git shows it to whoever pushed.
  if (!forge.place) return await reply.code(202).type('text/plain').send(outcomes.map(outcomeLines).join(''))
  // One secret is one project's, save where two projects chose the same one.
  return await reply.code(202).send(outcomes.length === 1 ? outcomes[0] : { outcomes })
}

/** Whether it says in one of the two ways which project it is for. */
function isAddressed({ forge, named }: Read, project: string | undefined): boolean {
  if (!forge.place) return project !== undefined
  return named.slug !== undefined || named.id !== undefined
}

async function refuse(
  { log }: AppContext,
  refusals: Refusals,
  error: unknown,
  request: Delivering,
  reply: FastifyReply,
) {
  const known = error instanceof DomainError ? error : (outageOf(error) ?? refusedTextOf(error))
  if (!known || known.kind === 'unavailable') {
    log.error({ err: error, requestId: request.id }, 'webhook failed')
    note(refusals, request, 'server-failed', known?.message ?? failed(request))
    return await reply.code(known ? 503 : 500).send({
      error: known?.message ?? failed(request),
    })
  }
  log.warn({ err: error, requestId: request.id }, 'webhook not acted on')
  const code = known.kind === 'invalid' ? 400 : 409
  note(refusals, request, code === 400 ? 'payload' : 'not-acted-on', known.message)
  return await reply.code(code).send({ error: known.message, reason: known.reason })
}

const failed = ({ id }: FastifyRequest): string =>
  `The server failed; its log has the cause under request ${id}.`
