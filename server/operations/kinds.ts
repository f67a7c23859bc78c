import type { TaskKind } from '../../lib/tasks/task-kinds.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { RunDefinition } from '../runs/define.ts'
import type { KindRecord, RecordRow } from '../runs/record.ts'
import { buildRun } from './build/definition.ts'
import { destroyRun } from './destroy/definition.ts'
import { inspectRun } from './inspect/definition.ts'
import { lockRun } from './lock/definition.ts'
import { promoteRun } from './promote/definition.ts'
import { rehearseRun } from './rehearse/definition.ts'
import { rollbackRun } from './rollback/definition.ts'
import { startRun } from './start/definition.ts'
import { stopRun } from './stop/definition.ts'
import { studyRun } from './study/definition.ts'

/** Every kind of run: one without its definition does not compile. */
export const runKinds = {
  build: buildRun,
  start: startRun,
  stop: stopRun,
  destroy: destroyRun,
  lock: lockRun,
  rehearse: rehearseRun,
  inspect: inspectRun,
  promote: promoteRun,
  rollback: rollbackRun,
  study: studyRun,
} as const satisfies { readonly [K in RunKind]: RunDefinition<K> }

/** Those of which a fact holds, for queries. */
export const kindsThat = (holds: (definition: RunDefinition) => boolean): readonly RunKind[] =>
  Object.values(runKinds)
    .filter(holds)
    .map(({ kind }) => kind)

/** What runs of some kind may ask of a host. */
export const askedTasks: readonly TaskKind[] = [
  ...new Set(Object.values(runKinds).flatMap(({ asks }) => [...asks])),
]

type EveryInput = ReturnType<(typeof runKinds)[RunKind]['input']>
type AllOf<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never

/** What a run of whatever kind was asked for. Of a known one, its definition says more. */
export type RunInput = Partial<AllOf<EveryInput>>
export const inputOfAny = ({ input }: { readonly input: unknown }): RunInput => input as RunInput

type NotesOf<Definition> = Definition extends { readonly record: KindRecord<object, infer Notes> }
  ? Notes
  : never

/** What a run of whatever kind may note. Of a known one, its own record says more. */
export type RunNotes = Partial<AllOf<NotesOf<(typeof runKinds)[RunKind]>>>

/**
 * What is read of a run whatever its kind: of its record that much, by names. Throws RecordMisfit where the record does not
 * fit.
 */
export const viewOf = <Name extends keyof RunNotes>(
  run: RecordRow & { readonly kind: RunKind },
  names: readonly Name[],
): Pick<RunNotes, Name> => {
  const notes: RunNotes = runKinds[run.kind].record.notes(run)
  return Object.fromEntries(names.map((name) => [name, notes[name]])) as Pick<RunNotes, Name>
}

/** Columns of `runs` that `viewOf`, or the record of its kind, reads. */
export const recordColumns = ['runs.id', 'runs.kind', 'runs.record', 'runs.record_version'] as const

/** The version in which a run's record is written. */
export const recordVersionOf = (kind: RunKind): number => runKinds[kind].record.version
