import { defineRecord } from '../../runs/record.ts'
import {
  candidate,
  cloned,
  collected,
  database,
  live,
  looked,
  neutralized,
  plan,
  rehearsed,
  reproduced,
  safety,
  updated,
} from '../../runs/record-parts.ts'

export const promoteRecord = defineRecord('promote', {
  parts: [candidate, plan],
  fields: {
    // Of the clone that it was rehearsed on, where that was not done before.
    ...cloned,
    ...neutralized,
    ...rehearsed,
    ...reproduced,
    ...database,
    ...updated,
    ...safety,
    ...looked,
    ...live,
    ...collected,
  },
})
