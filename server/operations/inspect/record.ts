import { z } from 'zod'
import { defineRecord } from '../../runs/record.ts'
import { passwords } from '../../runs/record-parts.ts'

export const inspectRecord = defineRecord('inspect', {
  parts: [],
  fields: {
    /** What was written in production. */
    changes: z
      .object({
        /** RFC 3339 */
        since: z.string(),
        rows: z.number(),
        /** RFC 3339; null: nothing was written. */
        lastChange: z.string().nullable(),
        tables: z.array(z.object({ table: z.string(), rows: z.number() })),
        uncountedTables: z.array(z.string()),
      })
      .optional(),
    ...passwords,
  },
})
