import { sql } from 'kysely'
import type { Looked } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import type { RepositoryAnswer } from '../db/record.ts'
import { notify } from '../db/signals.ts'
import { type Operation, type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { policyInForce } from '../governance/policy/in-force.ts'
import { listCredentialRefs, openCredentials } from '../governance/secrets/credentials.ts'
import { isUuid } from './authenticate.ts'
import { answerOf } from './look-answer.ts'
import type { Session, Sessions } from './session.ts'

type Context = Pick<AppContext, 'db' | 'sealer' | 'log'>

/** Of its time, for the answer's way back. */
const wayBackMs = 3_000

/** As a host's Hello has it where its agent answers `Look`. */
const capability = 'look'
const open = ['queued', 'sent'] as const

interface Asked {
  readonly id: string
  readonly url: string
  readonly project_id: string | null
  readonly asked_by: string
  readonly remaining_ms: number
}

/** Asks a host what waits for it. After Welcome also what was sent before: its agent may have been killed over it. */
export async function sendLooks(
  context: Context,
  session: Session,
  statuses: readonly (typeof open)[number][] = ['queued'],
): Promise<void> {
  for (const id of await listWaiting(context, session, statuses)) {
    try {
      const look = await withTenant(context.db, session.op, (tx) =>
        claim(context, tx, session.op, id, statuses),
      )
      if (look) session.send({ case: 'look', value: look })
    } catch (error) {
      // Ours to answer for, and of this one alone: the others of the host have nothing to do with it.
      context.log.error(
        { err: error, look: id, host: session.peer.hostId },
        'a repository cannot be asked for',
      )
      await failLook(context, session, id, error)
    }
  }
}

async function listWaiting(
  { db }: Context,
  { op, peer }: Session,
  statuses: readonly (typeof open)[number][],
): Promise<string[]> {
  const rows = await withTenant(db, op, (tx) =>
    tx
      .selectFrom('repository_looks')
      .innerJoin('hosts', 'hosts.id', 'repository_looks.host_id')
      .select('repository_looks.id')
      .where('repository_looks.host_id', '=', peer.hostId)
      .where('repository_looks.status', 'in', statuses)
      .where('repository_looks.expires_at', '>', sql<Date>`now()`)
      .where('hosts.status', '=', 'online')
      .where(sql<boolean>`${capability} = any(hosts.capabilities)`)
      .orderBy('repository_looks.created_at')
      .execute(),
  )
  return rows.map(({ id }) => id)
}

/** Undefined where another server was quicker, or nobody waits any longer. */
async function claim(
  { sealer }: Context,
  tx: Tx,
  op: Operation,
  id: string,
  statuses: readonly (typeof open)[number][],
) {
  const look: Asked | undefined = await tx
    .updateTable('repository_looks')
    .set({ status: 'sent' })
    .where('id', '=', id)
    .where('status', 'in', statuses)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['id', 'url', 'project_id', 'asked_by'])
    .returning(sql<number>`(1000 * extract(epoch from expires_at - now()))::integer`.as('remaining_ms'))
    .executeTakeFirst()
  return look && (await describe(tx, sealer, op, look))
}

async function failLook({ db }: Context, session: Session, id: string, cause: unknown): Promise<void> {
  const { reason, message } =
    cause instanceof DomainError
      ? cause
      : { reason: 'internal', message: 'the server failed in asking a host for it; its log says why' }
  const answer: RepositoryAnswer = { reason, error: message, defaultBranch: '', heads: [] }
  await withTenant(db, session.op, (tx) => settle(tx, session, id, open, answer))
}

async function describe(tx: Tx, sealer: AppContext['sealer'], op: Operation, look: Asked) {
  const { id, url, project_id: projectId, asked_by: by } = look
  const isPoll = by === 'poll'
  const timeoutMs = Math.max(1_000, look.remaining_ms - wayBackMs)
  const known = { lookId: id, repositoryUrl: url, timeoutMs, isPoll }
  if (projectId === null) return known
  const refs = (await listCredentialRefs(tx, projectId, ['git'])).filter(({ name }) => isFor(url, name))
  const credentials = Object.fromEntries(await openCredentials(tx, sealer, projectId, refs))
  if (refs.length > 0) {
    const secrets = refs.map(({ name, version }) => ({ name, version }))
    const details = { repository: url, secrets }
    // A poll asks for the same many times a day: what has not changed is said once, of each host.
    const subject = isPoll ? `poll of ${projectId}` : id
    if (!isPoll || (await isNews(tx, op, subject, details)))
      await audit(tx, op, 'secret.deliver', { kind: 'look', id: subject, projectId }, details)
  }
  const { document } = await policyInForce(tx, projectId)
  return { ...known, projectId, credentials, networkAllow: [...document.network.allow] }
}

/** Whether the host, whose operation it is, was given something else last, or nothing. */
async function isNews(
  tx: Tx,
  op: Operation,
  subject: string,
  details: Record<string, unknown>,
): Promise<boolean> {
  const last = await tx
    .selectFrom('audit_events')
    .select(sql<boolean>`details = ${JSON.stringify(details)}::jsonb`.as('same'))
    .where('action', '=', 'secret.deliver')
    .where('subject_id', '=', subject)
    .where('actor', '=', op.actor)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.same !== true
}

/** Whether `git:host/PART` or `git:host:port/PART` is of the address's host; the agent looks at the port. */
function isFor(url: string, name: string): boolean {
  const host = (/^[\w.-]+@([\w.-]+):/.exec(url)?.[1] ?? URL.parse(url)?.hostname ?? '').toLowerCase()
  const [, named] = /^git:([^/:]+)(?::\d+)?\//.exec(name) ?? []
  return host !== '' && named === host
}

/** Keeps the answer of the host that was asked; one that comes twice, or that nobody waits for, is dropped. */
export async function takeLooked({ db }: Context, session: Session, looked: Looked): Promise<void> {
  if (!isUuid(looked.lookId)) return
  const answer = answerOf(looked)
  await withTenant(db, session.op, (tx) => settle(tx, session, looked.lookId, ['sent'], answer))
}

async function settle(
  tx: Tx,
  { peer }: Session,
  id: string,
  statuses: readonly (typeof open)[number][],
  answer: RepositoryAnswer,
): Promise<void> {
  const taken = await tx
    .updateTable('repository_looks')
    .set({ status: 'answered', answer: JSON.stringify(answer) })
    .where('id', '=', id)
    .where('host_id', '=', peer.hostId)
    .where('status', 'in', statuses)
    .returning('id')
    .executeTakeFirst()
  if (taken) await notify(tx, { kind: 'look', id })
}

/** In case a signal was lost. */
export async function sweepLooks(context: Context, sessions: Sessions): Promise<void> {
  if (sessions.list().length === 0) return
  const waiting = await context.db.scheduler
    .selectFrom('repository_looks')
    .select('host_id')
    .distinct()
    .where('status', '=', 'queued')
    .where('expires_at', '>', sql<Date>`now()`)
    .execute()
  for (const { host_id } of waiting) {
    const session = sessions.ofHost(host_id)
    if (session) await sendLooks(context, session)
  }
}
