import { inputOf, type NoInput, type RunDefinition } from '../../runs/define.ts'
import { lockRecord } from './record.ts'

/** A branch’s lock, made anew: nothing is built, and its environment stays as it is. */
export const lockRun = {
  kind: 'lock',
  version: 1,
  scope: 'environment',
  besideOthers: true,
  placement: 'policy',
  memory: 'none',
  failsEnvironment: false,
  image: 'none',
  asks: ['resolve'],
  steps: () => ['resolve'],
  input: inputOf<NoInput>,
  record: lockRecord,
} as const satisfies RunDefinition<'lock', NoInput>
