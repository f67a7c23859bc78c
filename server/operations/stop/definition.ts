import { inputOf, type NoInput, type RunDefinition } from '../../runs/define.ts'
import { stopRecord } from './record.ts'

/** Odoo and PostgreSQL stop, the data stay. */
export const stopRun = {
  kind: 'stop',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'anywhere',
  memory: 'none',
  failsEnvironment: false,
  image: 'none',
  asks: ['stopRuntime', 'switchRoute'],
  steps: () => ['stop'],
  input: inputOf<NoInput>,
  record: stopRecord,
} as const satisfies RunDefinition<'stop', NoInput>
