import type { AppContext } from '../context.ts'
import { withTenant } from '../db/tenancy.ts'
import { recordRefusal, type WebhookRefusal } from '../services/projects/webhook.ts'
import type { Forge } from './forge.ts'
import type { NamedRepository } from './repository-scan.ts'
import { callerOf, listCandidates } from './senders.ts'

/** A delivery that was not acted on, as far as it was read. */
export interface Refusal {
  readonly forge: Forge
  readonly reason: WebhookRefusal['reason']
  readonly explanation: string
  readonly event: string
  readonly named: NamedRepository
  /** The project's id, where the webhook's address has it. */
  readonly projectId: string | undefined
  readonly requestId: string
}

export interface Refusals {
  /** Costs a stranger's delivery nothing, whichever project it names. */
  note(refusal: Refusal): void
  /** Writes what was noted. */
  close(): Promise<void>
}

/** They are written together, some time after the answers: these must not tell, by what they take, which projects there are. */
export const refusalPace = { writeEveryMs: 2_000 }

/** Kinds that are kept at a time: whoever sends names of many repositories makes no more of them. */
const mostNoted = 200

interface Noted extends Refusal {
  count: number
  readonly firstAt: Date
  lastAt: Date
}

/** Deliveries that were refused, kept for `fairway project webhook` as well as in the log. */
export function createRefusals(context: AppContext): Refusals {
  let noted = new Map<string, Noted>()
  let writing = Promise.resolve()

  async function write(): Promise<void> {
    const due = noted
    noted = new Map()
    for (const refusal of due.values()) {
      await writeOne(context, refusal).catch((error: unknown) =>
        context.log.error({ err: error, requestId: refusal.requestId }, 'webhook refusal not kept'),
      )
    }
  }
  const writeSoon = () => (writing = writing.then(write))
  const timer = setInterval(writeSoon, refusalPace.writeEveryMs).unref()

  return {
    note(refusal) {
      const { forge, reason, named, projectId } = refusal
      const key = JSON.stringify([projectId ?? [named.slug, named.id], forge.name, reason])
      const before = noted.get(key)
      const now = new Date()
      if (before)
        noted.set(key, { ...refusal, count: before.count + 1, firstAt: before.firstAt, lastAt: now })
      else if (noted.size < mostNoted) noted.set(key, { ...refusal, count: 1, firstAt: now, lastAt: now })
    },
    async close() {
      clearInterval(timer)
      await writeSoon()
    },
  }
}

async function writeOne(context: AppContext, refusal: Noted): Promise<void> {
  const { forge, named, projectId, requestId } = refusal
  const byName = await listCandidates(context, refusal)
  // The address says which project is meant, whatever repository the delivery is of.
  const places = byName.length > 0 || !projectId ? byName : await findPlace(context, projectId)
  for (const place of places) {
    const caller = callerOf(place, forge.name, requestId)
    await withTenant(context.db, caller, async (tx) => {
      const project = await tx
        .selectFrom('projects')
        .select(['repository_slug'])
        .where('id', '=', place.projectId)
        .where('deleted_at', 'is', null)
        .executeTakeFirst()
      if (!project) return
      const isOther = byName.length === 0 && named.slug !== undefined && refusal.reason === 'signature'
      await recordRefusal(tx, caller, place.projectId, {
        forge: forge.name,
        reason: isOther ? 'other-repository' : refusal.reason,
        event: plain(refusal.event),
        repository: plain(named.slug ?? ''),
        explanation: isOther
          ? otherRepository(named.slug ?? '', project.repository_slug)
          : plain(refusal.explanation),
        count: refusal.count,
        firstAt: refusal.firstAt,
        lastAt: refusal.lastAt,
      })
    })
  }
}

async function findPlace({ db }: AppContext, id: string) {
  return await db.scheduler
    .selectFrom('projects')
    .select(['id as projectId', 'organization_id as organizationId'])
    .where('id', '=', id)
    .execute()
}

const otherRepository = (named: string, own: string): string =>
  plain(
    `It is of ${named}, and the project is of ${own}: one of the two is mistyped, or the webhook is another repository's ` +
      '(fairway project update PROJECT --repository URL).',
  )

/** What strangers wrote, for a line of a table. */
const plain = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, 500)
