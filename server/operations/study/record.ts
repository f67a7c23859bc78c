import { z } from 'zod'
import { failedCodeSchema } from '../../db/record.ts'
import { defineRecord } from '../../runs/record.ts'
import { cloned, kept, live, neutralized } from '../../runs/record-parts.ts'

export const studyRecord = defineRecord('study', {
  parts: [],
  fields: {
    /** What it looks into. */
    studied: z
      .object({
        runId: z.string(),
        snapshotId: z.string(),
        /** RFC 3339: the moment of the data. */
        takenAt: z.string(),
        code: failedCodeSchema,
        /** What it runs. */
        image: z.string(),
      })
      .optional(),
    ...cloned,
    ...neutralized,
    ...live,
    ...kept,
  },
})
