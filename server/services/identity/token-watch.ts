import type { AppContext } from '../../context.ts'
import { DomainError } from '../../errors.ts'
import type { CallerAccess } from '../../governance/authorize.ts'
import { type Identity, reauthenticate } from './authenticate.ts'

/** How often the tokens of open streams are looked at again; what was revoked must have ended within 5 s. */
const checkMs = 2_000

export interface TokenWatch {
  /**
   * Aborts `signal`, with the DomainError to end with as its reason, once the token has ended or its member may see or
   * do less than when the stream began. The watch goes on until `stop`.
   */
  watch(identity: Identity): { readonly signal: AbortSignal; stop(): void }
}

interface Watched {
  readonly identity: Identity
  readonly controller: AbortController
}

/** One look for all streams of a token. */
export function watchTokens(context: AppContext): TokenWatch {
  const tokens = new Map<string, Set<Watched>>()

  const look = async (streams: Set<Watched>): Promise<void> => {
    const [first] = streams
    if (!first) return
    try {
      const now = await reauthenticate(context, first.identity)
      for (const { identity, controller } of streams) {
        if (isNarrower(now.access, identity.access)) controller.abort(accessChanged())
      }
    } catch (error) {
      // Ended; or the database is away, and then nobody knows.
      for (const { controller } of streams) controller.abort(error)
    }
  }
  const keepLooking = (streams: Set<Watched>): void => {
    const timer = setTimeout(async () => {
      await look(streams)
      if (streams.size > 0) keepLooking(streams)
    }, checkMs)
    timer.unref()
  }

  return {
    watch(identity) {
      const watched = { identity, controller: new AbortController() }
      let streams = tokens.get(identity.tokenId)
      if (!streams) {
        streams = new Set()
        tokens.set(identity.tokenId, streams)
        keepLooking(streams)
      }
      const of = streams.add(watched)
      return {
        signal: watched.controller.signal,
        stop() {
          of.delete(watched)
          if (of.size === 0 && tokens.get(identity.tokenId) === of) tokens.delete(identity.tokenId)
        },
      }
    },
  }
}

const accessChanged = () =>
  new DomainError(
    'unauthenticated',
    'access-changed',
    'What you may see or do here has changed. Run the command again.',
  )

/** Whether something that `before` had is gone: a role, a project from sight, a role in a project. */
function isNarrower(now: CallerAccess, before: CallerAccess): boolean {
  if (now.role !== before.role) return true
  const sees = (id: string) => now.projects === 'all' || now.projects.includes(id)
  if (before.projects === 'all' ? now.projects !== 'all' : !before.projects.every(sees)) return true
  return [...before.projectRoles].some(([project, role]) => now.projectRoles.get(project) !== role)
}
