import type { FailedCode } from '../../db/record.ts'
import { everyTask, inputOf, type RunDefinition } from '../../runs/define.ts'
import { studyRecord } from './record.ts'

export interface StudyInput {
  /** The run whose failed update is looked into, the data that it left, and which code runs on them. */
  readonly failedRunId: string
  readonly snapshotId: string
  readonly code: FailedCode
}

/** A copy of what a failed update of production left, opened to be looked into. */
export const studyRun = {
  kind: 'study',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'policy',
  memory: 'environment',
  failsEnvironment: false,
  image: 'none',
  asks: everyTask,
  steps: () => ['database', 'deploy'],
  input: inputOf<StudyInput>,
  record: studyRecord,
} as const satisfies RunDefinition<'study', StudyInput>
