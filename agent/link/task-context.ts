import type { Offer } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { durably } from './durably.ts'
import type { Finding, Journal, Ref } from './journal.ts'
import type { Leases } from './leases.ts'
import { createLogSink, microsOf } from './log-sink.ts'
import { redactDocument, redactValue } from './redact-value.ts'
import type { Redactors } from './redactors.ts'
import type { SecretSource } from './secret-source.ts'
import type { Spool } from './spool.ts'
import { ownerOf, redactorOf } from './task-owner.ts'
import type { UnmaskedSecrets } from './unmasked-secrets.ts'

const artifactLimitBytes = 1_048_576
const artifactsLimitBytes = 2 * artifactLimitBytes

export interface TaskContextParts {
  readonly journal: Journal
  readonly spool: Spool
  readonly leases: Leases
  readonly redactors: Redactors
  readonly secrets: Pick<SecretSource, 'of'>
  readonly unmasked: UnmaskedSecrets
}

export interface OpenTask {
  readonly context: TaskContext
  /** Journals the lines, warnings and artifacts so far. */
  save(): void
  /** What the handler last said that it found; after a crash it finds it again. */
  found(): TaskOutput['kind'] | undefined
}

/** What a handler is given: everything it says or does goes through the journal or the spool of this agent. */
export function openTask(offer: Offer, signal: AbortSignal, parts: TaskContextParts): OpenTask {
  const { journal, spool, leases, redactors, secrets, unmasked } = parts
  const ref: Ref = { taskId: offer.task!.taskId, epoch: offer.task!.epoch }
  const stream = offer.logStreamId
  const owner = ownerOf(offer)
  const redactor = redactorOf(offer, redactors)
  const sink = createLogSink(spool, redactor)
  let artifactBytes = journal
    .findings(ref)
    .reduce((sum, { kind, content }) => sum + (kind === 'artifact' ? content.length : 0), 0)

  let found: TaskOutput['kind'] | undefined
  const unsaved: Finding[] = []
  const save = () => {
    spool.flush()
    for (let finding = unsaved[0]; finding; finding = unsaved[0]) {
      journal.saveFinding(ref, finding)
      unsaved.shift()
    }
  }

  const context: TaskContext = {
    taskId: ref.taskId,
    epoch: ref.epoch,
    runId: offer.runId,
    project: offer.project,
    owner,
    signal,
    log(source, text, time = new Date()) {
      sink.append(stream, { unixMicros: BigInt(time.getTime()) * 1000n, source, text })
    },
    logPosition: (key) => sink.position(stream, key),
    logFrom(source, text, position, cut) {
      sink.append(stream, { unixMicros: microsOf(position.timestamp), source, text, cut }, position)
    },
    async secrets(refs) {
      if (refs.length === 0) return {}
      const values = await secrets.of({ ...ref, owner }, refs, signal)
      const told = unmasked.inRun(offer.runId, values)
      if (told) context.log('fairway', told)
      return values
    },
    warn(text) {
      const name = redactor.redact(text)
      unsaved.push({ kind: 'warning', name, mediaType: '', content: new Uint8Array() })
    },
    found(output) {
      found = output
    },
    artifact(name, mediaType, original) {
      const content = redactDocument(redactor, original)
      if (content.length > artifactLimitBytes || artifactBytes + content.length > artifactsLimitBytes) {
        throw new TaskError(
          'artifact-too-large',
          `The document ${name} has ${content.length} bytes; 1 MiB each and 2 MiB together is the most a task can keep`,
        )
      }
      unsaved.push({ kind: 'artifact', name, mediaType, content })
      artifactBytes += content.length
    },
    async once<T>(name: string, effect: () => Promise<T>): Promise<T> {
      const known = journal.checkpoint(ref, name)
      if (known) return known.value as T
      // What is remembered is on disk: it may tell of output that held a secret.
      const value = redactValue(redactor, await effect())
      // The lines that led here are on disk before the effect counts as done.
      await durably(() => {
        save()
        journal.saveCheckpoint(ref, name, value)
      }, signal)
      return value
    },
    async requireLease() {
      // A disk that takes no lines pauses the task here as well: nothing irreversible goes unrecorded.
      await durably(() => {
        if (!spool.flush()) throw Object.assign(new Error('The spool takes no lines'), { errcode: 13 })
      }, signal)
      await leases.held(ref, signal)
    },
  }
  return { context, save, found: () => found }
}
