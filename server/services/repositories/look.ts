import { sql } from 'kysely'
import { formatDuration } from '../../../lib/words/durations.ts'
import type { AppContext } from '../../context.ts'
import type { RepositoryAnswer } from '../../db/record.ts'
import { notify } from '../../db/signals.ts'
import { type Operation, operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { changes } from '../builds/changes.ts'
import { type AbleHost, listAbleHosts } from './able-hosts.ts'
import { requireAgreement } from './agree.ts'

/** What hosts said of a repository. */
export interface SeenRepository {
  readonly hosts: readonly string[]
  readonly hostIds: readonly string[]
  readonly defaultBranch: string
  readonly heads: RepositoryAnswer['heads']
  /** How many more branches it has, by names that cannot be told. */
  readonly passedOver: number
}

export interface Wanted {
  /** As `parseRepositoryUrl` gives it. */
  readonly url: string
  /** Its name, for what is to be typed next. */
  readonly project: string
  /** With whose credentials, and as far as whose policy lets them; undefined: nobody's, for a project that is to be. */
  readonly projectId?: string
  /** Nobody waits for it: it takes none of the places of those who do. */
  readonly isPoll?: true
}

/** For hosts to answer in: connecting to a server that is slow takes them 20 s. */
const answerMs = 30_000
const pollMs = 1_000
/** Of an organization, at a time. */
const mostOpen = 20

/**
 * Asks hosts for a repository's branches: the server itself connects to no address that people name. One is asked, and of a
 * path all, since each of them has files of its own, and they have to agree. Gives why where there is no host to ask. Throws
 * the host's reason (`repository-…`), `repository-differs`, `host-silent`, `too-many-looks`.
 */
export async function lookAtRepository(
  context: AppContext,
  caller: Operation,
  wanted: Wanted,
  abort: AbortSignal,
): Promise<SeenRepository | { readonly unasked: string }> {
  // Plumbing: whoever may ask was looked at before, and no permission is to open this table.
  const own = operation(caller.organizationId, caller.actor, caller.requestId)
  const asked = await withTenant(context.db, own, (tx) => ask(tx, own, wanted))
  if ('unasked' in asked) return asked
  const answers = await awaitAnswers(context, own, asked.looks, abort)
  for (const { host, answer } of answers) {
    if (answer === undefined) throw silent(host)
    if (answer.reason !== '') throw refusal(answer, wanted.project, answers.length > 1 ? host : undefined)
  }
  const said = answers.flatMap(({ host, answer }) => (answer ? [{ host, answer }] : []))
  requireAgreement(wanted.url, said)
  const first = said[0]?.answer
  return {
    hosts: answers.map(({ host }) => host),
    hostIds: asked.looks.map(({ hostId }) => hostId),
    defaultBranch: first?.defaultBranch ?? '',
    heads: first?.heads ?? [],
    passedOver: first?.passedOver ?? 0,
  }
}

interface AskedHost {
  readonly id: string
  readonly hostId: string
  readonly host: string
}

async function ask(
  tx: Tx,
  own: Operation,
  { url, projectId, isPoll }: Wanted,
): Promise<{ readonly looks: readonly AskedHost[] } | { readonly unasked: string }> {
  const able = await listAbleHosts(tx, projectId)
  if ('unasked' in able) return able
  const hosts = url.startsWith('file:') ? able.hosts : able.hosts.slice(0, 1)
  await forgetExpired(tx)
  if (!isPoll) await requireRoom(tx)
  const looks: AskedHost[] = []
  for (const host of hosts) looks.push(await askHost(tx, own, { url, projectId }, host))
  return { looks }
}

async function askHost(
  tx: Tx,
  { organizationId, actor }: Operation,
  { url, projectId }: Pick<Wanted, 'url' | 'projectId'>,
  { id: hostId, name: host }: AbleHost,
): Promise<AskedHost> {
  const { id } = await tx
    .insertInto('repository_looks')
    .values({
      organization_id: organizationId,
      project_id: projectId ?? null,
      host_id: hostId,
      url,
      asked_by: actor,
      expires_at: new Date(Date.now() + answerMs),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await notify(tx, { kind: 'look', id: hostId })
  return { id, hostId, host }
}

/** What nobody waits for any longer. */
async function forgetExpired(tx: Tx): Promise<void> {
  await tx.deleteFrom('repository_looks').where('expires_at', '<', sql<Date>`now()`).execute()
}

async function requireRoom(tx: Tx): Promise<void> {
  const { open } = await tx
    .selectFrom('repository_looks')
    .select((eb) => eb.fn.countAll<number>().as('open'))
    .where('asked_by', '<>', 'poll')
    .executeTakeFirstOrThrow()
  if (Number(open) < mostOpen) return
  throw new DomainError(
    'limit',
    'too-many-looks',
    `Hosts are asked for ${mostOpen} repositories already: try again in half a minute.`,
  )
}

/** In the order in which they were asked; undefined for those that did not answer in time. What was asked is forgotten. */
async function awaitAnswers(
  { db, signals }: AppContext,
  own: Operation,
  looks: readonly AskedHost[],
  abort: AbortSignal,
) {
  const ids = looks.map(({ id }) => id)
  const until = AbortSignal.any([abort, AbortSignal.timeout(answerMs)])
  const answers = new Map<string, RepositoryAnswer>()
  const concerns = (_: string, id: string) => ids.includes(id)
  for await (const _ of changes(signals, ['look'], concerns, pollMs, until)) {
    const rows = await withTenant(db, own, (tx) =>
      tx.selectFrom('repository_looks').select(['id', 'answer']).where('id', 'in', ids).execute(),
    )
    for (const { id, answer } of rows) if (answer !== null) answers.set(id, answer as RepositoryAnswer)
    if (answers.size === ids.length) break
  }
  await withTenant(db, own, (tx) => tx.deleteFrom('repository_looks').where('id', 'in', ids).execute())
  abort.throwIfAborted()
  return looks.map(({ id, host }) => ({ host, answer: answers.get(id) }))
}

const silent = (host: string) =>
  new DomainError(
    'wrong-state',
    'host-silent',
    `The host ${host} was asked for the repository and did not answer within ${formatDuration(answerMs)}: look at the host ` +
      '(fairway host show), or leave the check out with --no-check.',
  )

/** The agent's own words, which say what to do next. */
function refusal(
  { reason, error }: RepositoryAnswer,
  project: string,
  host: string | undefined,
): DomainError {
  const said = error.replaceAll('fairway credential set PROJECT ', `fairway credential set ${project} `)
  const text = said === '' ? 'The repository cannot be read.' : said
  return new DomainError('wrong-state', reason, host ? `On host ${host}: ${text}` : text)
}
