import { defineRecord } from '../../runs/record.ts'
import { database, goal, live, looked, safety, updated } from '../../runs/record-parts.ts'

export const rollbackRecord = defineRecord('rollback', {
  parts: [goal],
  fields: { ...database, ...updated, ...safety, ...looked, ...live },
})
