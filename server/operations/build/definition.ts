import { everyTask, inputOf, type RunDefinition } from '../../runs/define.ts'
import { buildRecord } from './record.ts'

export interface BuildInput {
  /** The run whose lock’s pins hold. */
  readonly lockRunId?: string | undefined
}

/** From a commit to a running Odoo, in the environment of its branch. */
export const buildRun = {
  kind: 'build',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'policy',
  memory: 'environment',
  failsEnvironment: false,
  image: 'makes',
  asks: everyTask,
  steps: (stage) =>
    stage === 'production'
      ? ['resolve', 'image', 'rehearse', 'approve', 'database', 'deploy', 'smoke']
      : ['resolve', 'image', 'database', 'deploy', 'smoke'],
  input: inputOf<BuildInput>,
  record: buildRecord,
} as const satisfies RunDefinition<'build', BuildInput>
