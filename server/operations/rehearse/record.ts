import { defineRecord } from '../../runs/record.ts'
import { candidate, cloned, database, neutralized, plan, rehearsed } from '../../runs/record-parts.ts'

export const rehearseRecord = defineRecord('rehearse', {
  parts: [candidate, plan],
  fields: { ...cloned, ...neutralized, ...database, ...rehearsed },
})
