import { everyTask, inputOf, type RunDefinition } from '../../runs/define.ts'
import { rehearseRecord } from './record.ts'

export interface RehearseInput {
  /** The build whose image is rehearsed. */
  readonly candidateRunId: string
  /** The plan that whoever asked has seen. */
  readonly planSha256: string
}

/** A build’s release, tried on a clone of production. */
export const rehearseRun = {
  kind: 'rehearse',
  version: 1,
  scope: 'environment',
  besideOthers: true,
  placement: 'anywhere',
  memory: 'copy',
  failsEnvironment: false,
  image: 'tries',
  asks: everyTask,
  steps: () => ['plan', 'rehearse'],
  input: inputOf<RehearseInput>,
  record: rehearseRecord,
} as const satisfies RunDefinition<'rehearse', RehearseInput>
