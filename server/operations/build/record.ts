import { defineRecord } from '../../runs/record.ts'
import {
  builtImage,
  cloned,
  collected,
  database,
  found,
  kept,
  live,
  looked,
  neutralized,
  planOfBuild,
  rehearsed,
  reproduced,
  resolved,
  safety,
  updated,
} from '../../runs/record-parts.ts'

/** Of production as well, which a push of its branch goes to. */
export const buildRecord = defineRecord('build', {
  parts: [resolved, builtImage, planOfBuild],
  fields: {
    ...found,
    ...cloned,
    ...neutralized,
    ...database,
    ...updated,
    ...rehearsed,
    ...reproduced,
    ...safety,
    ...looked,
    ...live,
    ...kept,
    ...collected,
  },
})
