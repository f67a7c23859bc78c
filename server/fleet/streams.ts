import type { AppContext } from '../context.ts'
import { expired, outdated, type Peer } from './authenticate.ts'
import { isCurrent } from './serials.ts'

/** An open stream of a host: control, logs, whatever it carries. */
export interface HostStream {
  readonly peer: Peer
  /** Ends it with a status; nothing is sent afterwards. */
  end(error: Error): void
}

/**
 * All open streams of this server. A certificate is checked when a stream begins; what becomes of it later is looked at
 * here, for every stream alike.
 */
export interface Streams {
  /** Returns how to forget it. */
  add(stream: HostStream): () => void
  /** Ends the streams whose certificate was revoked, replaced or has run out; of all hosts, or of one. */
  endUncertified(hostId?: string): Promise<void>
}

export function createStreams({ db }: Pick<AppContext, 'db'>): Streams {
  const open = new Set<HostStream>()
  return {
    add(stream) {
      open.add(stream)
      return () => void open.delete(stream)
    },
    async endUncertified(hostId) {
      const streams = [...open].filter(({ peer }) => hostId === undefined || peer.hostId === hostId)
      // Without the database, time still passes.
      for (const { peer, end } of streams) {
        if (peer.expiresAtMs < Date.now())
          end(expired({ valid_to: new Date(peer.expiresAtMs).toISOString() }))
      }
      const hostIds = [...new Set(streams.map(({ peer }) => peer.hostId))]
      if (hostIds.length === 0) return
      const rows = await db.scheduler
        .selectFrom('hosts')
        .select(['id', 'certificate_serial'])
        .where('id', 'in', hostIds)
        .execute()
      const newest = new Map(rows.map((row) => [row.id, row.certificate_serial]))
      for (const { peer, end } of streams) {
        const serial = newest.get(peer.hostId) ?? ''
        if (!isCurrent(serial, peer.serial)) end(outdated(serial))
      }
    },
  }
}
