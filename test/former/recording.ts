import type { Play } from '../support/play-run.ts'

/** A run that a former server left under way, in an organization of its own. */
export interface Case {
  /** How it goes, and where it was when the server ended. */
  readonly name: string
  readonly way: string
  readonly runId: string
  readonly tenant: {
    readonly organizationId: string
    readonly project: string
    readonly projectId: string
    readonly hostId: string
    readonly host: string
  }
  /** How its tasks are answered. */
  readonly play: Play
  readonly ends: { readonly status: string; readonly reason: string }
}

/** Of the task that is named last: nobody has taken it, a host is at it, or it has ended and the run knows nothing of that. */
export type Moment = 'queued' | 'leased' | 'ended'

type Row = Readonly<Record<string, unknown>>

/** A former server's whole database, with all that lies beside it. */
export interface Recording {
  readonly commit: string
  readonly at: string
  /** Base64. */
  readonly masterKey: string
  readonly migrations: readonly string[]
  readonly cases: readonly Case[]
  /** As PostgreSQL says rows in JSON. */
  readonly tables: Readonly<Record<string, readonly Row[]>>
  /** Base64, by their SHA-256. */
  readonly blobs: Readonly<Record<string, string>>
}
