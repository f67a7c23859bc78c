import { everyTask, inputOf, type RunDefinition } from '../../runs/define.ts'
import { rollbackRecord } from './record.ts'

export interface RollbackInput {
  /** The release to go back to. */
  readonly releaseId: string
  readonly withData: boolean
  /** A safety snapshot that is put back instead of the release's own data. */
  readonly snapshotId?: string
  readonly force: boolean
  /** The plan that whoever asked has seen. */
  readonly planSha256: string
}

/** Production goes back to a former release. */
export const rollbackRun = {
  kind: 'rollback',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'anywhere',
  memory: 'none',
  failsEnvironment: false,
  image: 'returns',
  asks: everyTask,
  steps: () => ['plan', 'approve', 'database', 'deploy', 'smoke'],
  input: inputOf<RollbackInput>,
  record: rollbackRecord,
} as const satisfies RunDefinition<'rollback', RollbackInput>
