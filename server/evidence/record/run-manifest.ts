import type { ProtectedAction } from '../../db/tables/governance.ts'
import type { Stage } from '../../db/tables/projects.ts'
import type { RunKind } from '../../db/tables/runs.ts'
import type { RunNotes } from '../../operations/kinds.ts'

/**
 * The record of a run: everything it used and made, as one JSON document that is stored by its hash and names logs and
 * artifacts by theirs, so that the one hash on the run speaks for all. Every signed statement takes its facts from here.
 * Times are RFC 3339.
 */
export interface RunManifest extends RunNotes {
  readonly version: 1
  readonly run: {
    readonly id: string
    readonly kind: RunKind
    readonly number: number | null
    readonly trigger: string
    readonly requestedBy: string
    /** Where a poll asked for it: who pushed, as a delivery said afterwards. */
    readonly pushedBy?: string
  }
  readonly organization: string
  readonly project: { readonly name: string; readonly repository: string }
  readonly environment: { readonly id: string; readonly name: string; readonly stage: Stage }
  readonly source: { readonly branch: string | null; readonly commit: string; readonly message: string }
  readonly outcome: {
    readonly status: string
    readonly result: string | null
    readonly reason: string
    readonly warnings: readonly string[]
  }
  /** Repositories in the repository, and those that it declares, as resolved; of a merge all of its parts. */
  readonly submodules: readonly RepositoryFacts[]
  /** Id of the run that built the image; another one than this when the image was there already. */
  readonly imageBuiltBy: string | null
  /** Hosts whose agents said that they built this image, by the identity in their certificates; first to last. */
  readonly imageBuilders: readonly {
    readonly host: string
    readonly hostId: string
    readonly run: string
    /** It took nothing from the registry but the base image. */
    readonly anew: boolean
  }[]
  readonly deploy: DeployFacts | null
  readonly approvals: readonly ApprovalFacts[]
  readonly authorizations: readonly AuthorizationFacts[]
  readonly steps: readonly StepFacts[]
  readonly tasks: readonly TaskFacts[]
  readonly artifacts: readonly ArtifactFacts[]
  readonly logs: LogFacts
  readonly hosts: readonly HostFacts[]
  readonly times: { readonly created: string; readonly started: string | null; readonly finished: string }
}

/** A commit that its address has. Several in one place, in their order, are merged there. */
export interface RepositoryFacts {
  readonly path: string
  readonly url: string
  readonly commit: string
  /** The first is the one that the others are merged onto; absent for a commit as it is. */
  readonly merge?: { readonly part: number; readonly parts: number }
}

/** Of a build that came so far that something could go live. */
export interface DeployFacts {
  readonly live: boolean
  /** What served before it. */
  readonly replaced: {
    readonly buildNumber: number
    readonly runId: string
    readonly digest: string
    readonly commit: string
  } | null
}

export interface ApprovalFacts {
  readonly id: string
  readonly action: ProtectedAction
  readonly status: string
  readonly reason: string
  readonly summary: string
  /** Canonical JSON (RFC 8785): exactly what would happen. */
  readonly subject: string
  readonly subjectSha256: string
  readonly requestedBy: string
  /** Actors through whose hands the code went that the login of the requester was had with; likewise below. */
  readonly requesterLoginIssuedBy: readonly string[]
  readonly commitAuthor: string
  readonly rule: unknown
  readonly policy: { readonly version: number; readonly sha256: string | null }
  readonly votes: readonly {
    readonly by: string
    readonly decision: 'approve' | 'reject'
    readonly note: string
    readonly at: string
    readonly loginIssuedBy: readonly string[]
  }[]
  readonly breakGlass: {
    readonly by: string
    readonly reason: string
    readonly at: string
    readonly loginIssuedBy: readonly string[]
  } | null
  readonly createdAt: string
  readonly expiresAt: string
  readonly decidedAt: string | null
  readonly usedAt: string | null
}

export interface AuthorizationFacts {
  readonly id: string
  readonly action: string
  readonly basis: string
  readonly subjectSha256: string
  readonly approvalId: string | null
  readonly policyVersion: number
  readonly at: string
}

export interface StepFacts {
  readonly name: string
  readonly status: string
  readonly summary: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
}

export interface TaskFacts {
  readonly id: string
  readonly key: string
  readonly kind: string
  readonly status: string
  readonly epoch: number
  readonly error: string
  readonly host: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
}

export interface ArtifactFacts {
  readonly name: string
  readonly mediaType: string
  readonly sha256: string
  readonly sizeBytes: number
}

export interface LogFacts {
  /** Every line that the tasks wrote is here, or a gap says how many are not. */
  readonly complete: boolean
  readonly streams: readonly LogStreamFacts[]
}

export interface LogStreamFacts {
  readonly id: string
  readonly step: string
  readonly task: string | null
  readonly epoch: number | null
  readonly host: string
  /** Sequences 1 to this are here. */
  readonly lastSequence: number
  /** Sequences that the agent counted; more than the last one when lines did not arrive. */
  readonly writtenSequence: number
  /** Of its host nobody heard again. */
  readonly lost: boolean
  /** Entries that stand for lines which the agent had to drop. */
  readonly gaps: readonly { readonly sequence: number; readonly lines: number }[]
  /** Chunks in blob storage, by SHA-256. */
  readonly segments: readonly string[]
}

export interface HostFacts {
  readonly name: string
  readonly agentVersion: string
  /** How far its wall clock was ahead of the server's when it last connected; null: it did not say. */
  readonly clockOffsetMs: number | null
}
