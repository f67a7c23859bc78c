import { inputOf, type NoInput, type RunDefinition } from '../../runs/define.ts'
import { destroyRecord } from './record.ts'

/** An environment with its data. */
export const destroyRun = {
  kind: 'destroy',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'anywhere',
  memory: 'none',
  failsEnvironment: false,
  image: 'none',
  asks: ['stopRuntime', 'switchRoute', 'destroyCell', 'destroySnapshot'],
  steps: (stage) => (stage === 'production' ? ['approve', 'destroy'] : ['destroy']),
  input: inputOf<NoInput>,
  record: destroyRecord,
} as const satisfies RunDefinition<'destroy', NoInput>
