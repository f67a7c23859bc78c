import { sql } from 'kysely'
import type { Looked } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import type { RepositoryAnswer } from '../db/record.ts'
import { notify } from '../db/signals.ts'
import { type Operation, type Tx, withTenant } from '../db/tenancy.ts'
import { policyInForce } from '../governance/policy/in-force.ts'
import { listCredentialRefs, openCredentials } from '../governance/secrets/credentials.ts'
import { isUuid } from './authenticate.ts'
import type { Session, Sessions } from './session.ts'

type Context = Pick<AppContext, 'db' | 'sealer'>

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
  { db, sealer }: Context,
  session: Session,
  statuses: readonly (typeof open)[number][] = ['queued'],
): Promise<void> {
  const { hostId } = session.peer
  const looks = await withTenant(db, session.op, async (tx) => {
    const asked: Asked[] = await tx
      .updateTable('repository_looks')
      .set({ status: 'sent' })
      .where('host_id', '=', hostId)
      .where('status', 'in', statuses)
      .where('expires_at', '>', sql<Date>`now()`)
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('hosts')
            .select('id')
            .where('id', '=', hostId)
            .where('status', '=', 'online')
            .where(sql<boolean>`${capability} = any(capabilities)`),
        ),
      )
      .returning(['id', 'url', 'project_id', 'asked_by'])
      .returning(sql<number>`(1000 * extract(epoch from expires_at - now()))::integer`.as('remaining_ms'))
      .execute()
    const described = []
    for (const look of asked) described.push(await describe(tx, sealer, session.op, look))
    return described
  })
  for (const value of looks) session.send({ case: 'look', value })
}

async function describe(tx: Tx, sealer: AppContext['sealer'], op: Operation, look: Asked) {
  const { id, url, project_id: projectId, asked_by: by } = look
  const timeoutMs = Math.max(1_000, look.remaining_ms - wayBackMs)
  const known = { lookId: id, repositoryUrl: url, timeoutMs }
  if (projectId === null) return known
  const refs = (await listCredentialRefs(tx, projectId, ['git'])).filter(({ name }) => isFor(url, name))
  const credentials = Object.fromEntries(await openCredentials(tx, sealer, projectId, refs))
  if (refs.length > 0) {
    const secrets = refs.map(({ name, version }) => ({ name, version }))
    const details = { repository: url, secrets }
    // A poll asks for the same many times a day: what has not changed is said once.
    const subject = by === 'poll' ? `poll of ${projectId}` : id
    if (by !== 'poll' || (await isNews(tx, subject, details)))
      await audit(tx, op, 'secret.deliver', { kind: 'look', id: subject, projectId }, details)
  }
  const { document } = await policyInForce(tx, projectId)
  return { ...known, projectId, credentials, networkAllow: [...document.network.allow] }
}

async function isNews(tx: Tx, subject: string, details: Record<string, unknown>): Promise<boolean> {
  const last = await tx
    .selectFrom('audit_events')
    .select(sql<boolean>`details = ${JSON.stringify(details)}::jsonb`.as('same'))
    .where('action', '=', 'secret.deliver')
    .where('subject_id', '=', subject)
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

const longestText = 2_000
const mostHeads = 10_000

/** Keeps the answer of the host that was asked; one that comes twice, or that nobody waits for, is dropped. */
export async function takeLooked({ db }: Context, session: Session, looked: Looked): Promise<void> {
  if (!isUuid(looked.lookId)) return
  const answer: RepositoryAnswer = {
    reason: /^[a-z-]{0,60}$/.test(looked.reason) ? looked.reason : 'internal',
    error: clean(looked.error).slice(0, longestText),
    defaultBranch: clean(looked.defaultBranch),
    heads: looked.heads
      .slice(0, mostHeads)
      .map(({ branch, commit }) => ({ branch: clean(branch), commit: clean(commit) })),
  }
  await withTenant(db, session.op, async (tx) => {
    const taken = await tx
      .updateTable('repository_looks')
      .set({ status: 'answered', answer: JSON.stringify(answer) })
      .where('id', '=', looked.lookId)
      .where('host_id', '=', session.peer.hostId)
      .where('status', '=', 'sent')
      .returning('id')
      .executeTakeFirst()
    if (taken) await notify(tx, { kind: 'look', id: looked.lookId })
  })
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

/** PostgreSQL stores no NUL; nothing else that is not to be shown belongs into a line for people. */
const clean = (text: string) => text.toWellFormed().replaceAll(/\p{Cc}+/gu, ' ')
