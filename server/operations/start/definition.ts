import { inputOf, type NoInput, type RunDefinition } from '../../runs/define.ts'
import { startRecord } from './record.ts'

/** Odoo and PostgreSQL of a stopped environment. */
export const startRun = {
  kind: 'start',
  version: 1,
  scope: 'environment',
  besideOthers: false,
  placement: 'policy',
  memory: 'environment',
  failsEnvironment: true,
  image: 'none',
  asks: ['fetchImage', 'inspectCell', 'startRuntime', 'stopRuntime', 'smoke', 'switchRoute'],
  steps: () => ['start'],
  input: inputOf<NoInput>,
  record: startRecord,
} as const satisfies RunDefinition<'start', NoInput>
