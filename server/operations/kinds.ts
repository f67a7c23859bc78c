import type { TaskKind } from '../../lib/tasks/task-kinds.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { RunDefinition } from '../runs/define.ts'
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
