import { everyTask, inputOf, type RunDefinition } from '../../runs/define.ts'
import { promoteRecord } from './record.ts'

export interface PromoteInput {
  /** The build whose image is released. */
  readonly candidateRunId: string
  /** The plan that whoever asked has seen. */
  readonly planSha256: string
}

/** What a staging environment serves goes to production. */
export const promoteRun = {
  kind: 'promote',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'policy',
  memory: 'environment',
  failsEnvironment: false,
  image: 'takes',
  asks: everyTask,
  steps: () => ['plan', 'rehearse', 'approve', 'database', 'deploy', 'smoke'],
  input: inputOf<PromoteInput>,
  record: promoteRecord,
} as const satisfies RunDefinition<'promote', PromoteInput>
