import type { TaskInput, TaskKind } from '../../lib/tasks/task-kinds.ts'
import type { TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'

/** What every task may throw. */
export { TaskError } from '../../lib/faults/task-error.ts'

export type { TaskInput, TaskKind }
export type TaskResultOf<K extends TaskKind> = Extract<TaskOutput['kind'], { case: K }>['value']

/**
 * What a task is given. A task may be started again under the same id and epoch after a crash of the agent:
 * it must find what it left (by container label, cell id, checkpoint) and end in the same state.
 */
export interface TaskContext {
  readonly taskId: string
  /** Fencing epoch: stamped on containers, cells and temporary directories. */
  readonly epoch: number
  readonly runId: string
  readonly project: string
  /** Whose secrets are masked in what the task says. */
  readonly owner: Owner
  /** Aborted on cancel, time-out and fencing; `signal.reason` is a TaskAborted that says which. */
  readonly signal: AbortSignal
  /**
   * Appends a line to the task's log: on disk within 10 ms, and always before a following checkpoint or the result;
   * sent in order, never lost silently.
   */
  log(source: LogSource, text: string, time?: Date): void
  /** Where a source of lines was left before a crash; `lines` have the same `timestamp`. */
  logPosition(source: string): { timestamp: string; lines: number } | undefined
  /** Like `log`, and remembers in the same write how far the named source was read. */
  logFrom(
    source: LogSource,
    text: string,
    position: { key: string; timestamp: string },
    /** Where the text is only a piece of a line. */
    cut?: { start?: boolean; end?: boolean },
  ): void
  /**
   * The values of the secrets that the task's spec names, from a server that answers for this task under this epoch;
   * they are masked in all that leaves this host before anybody gets them. Waits for a connection, until the task's
   * time ends. Keep them in memory only. Throws TaskError `secrets-refused`.
   */
  secrets(refs: readonly { readonly name: string }[]): Promise<Secrets>
  warn(text: string): void
  /** What is known of the output so far, instead of what was said before; the server learns it where the task fails. */
  found(output: TaskOutput['kind']): void
  /** A document that the server keeps with the run, at most 1 MiB. */
  artifact(name: string, mediaType: string, content: Uint8Array): void
  /**
   * Runs `effect` once for this task id and epoch, journals its (JSON) value, and after a crash answers with the value.
   * A crash between the effect and its entry runs the effect again: it must be idempotent.
   */
  once<T>(name: string, effect: () => Promise<T>): Promise<T>
  /**
   * Returns while the lease is held; waits for its renewal when it has run out (server away).
   * Call it right before every destructive step. Rejects with TaskAborted when the task was fenced or cancelled.
   */
  requireLease(): Promise<void>
}

/** Whose a task or a runtime is. Empty where it is not known: servers of before do not say all of it. */
export interface Owner {
  /** Of servers that do not tell the id the project's name. */
  readonly projectId: string
  readonly environmentId: string
}

/** Values by name: that of an environment variable, or of a credential's part, `git:github.com/PASSWORD`. */
export type Secrets = Readonly<Record<string, string>>

/** As `context.secrets`, without asking anybody where there is nothing to ask for. */
export async function secretsOf(
  context: Pick<TaskContext, 'secrets'>,
  refs: readonly { readonly name: string }[],
): Promise<Secrets> {
  return refs.length > 0 ? context.secrets(refs) : {}
}

export type LogSource = 'fairway' | 'odoo' | 'postgres' | 'git' | 'docker'

/** Handles one kind of task. Throws TaskError for what a user can understand; anything else is a bug of ours. */
export type TaskHandler<K extends TaskKind> = (
  input: TaskInput<K>,
  context: TaskContext,
) => Promise<TaskResultOf<K>>

/** Why a task has to end before its work is done. */
export class TaskAborted extends Error {
  override name = 'TaskAborted'
  readonly why: 'cancelled' | 'timed-out' | 'fenced' | 'shutdown'
  constructor(why: TaskAborted['why'], message: string) {
    super(message)
    this.why = why
  }
}
