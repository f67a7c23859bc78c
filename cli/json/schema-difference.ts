import type { SchemaDifference } from '../../proto/gen/fairway/v1/releases_pb.js'
import { textOf } from './values.ts'

export const schemaDifferenceJson = ({ kind, change, table, name, detail }: SchemaDifference) => ({
  kind,
  change,
  table,
  name: textOf(name),
  detail: textOf(detail),
})
export type SchemaDifferenceJson = ReturnType<typeof schemaDifferenceJson>
