import { inputOf, type RunDefinition } from '../../runs/define.ts'
import { inspectRecord } from './record.ts'

export interface InspectInput {
  /** RFC 3339: what was written since. */
  readonly changedSince?: string
  /** Whom a password that every Odoo has lets in. */
  readonly passwords?: boolean
}

/** A look at production’s data. */
export const inspectRun = {
  kind: 'inspect',
  version: 1,
  scope: 'environment',
  besideOthers: true,
  placement: 'anywhere',
  memory: 'none',
  failsEnvironment: false,
  image: 'none',
  asks: ['inspectCell'],
  steps: () => ['inspect'],
  input: inputOf<InspectInput>,
  record: inspectRecord,
} as const satisfies RunDefinition<'inspect', InspectInput>
