import { defineRecord } from '../../runs/record.ts'

/** It notes nothing: what it did is in its steps. */
export const stopRecord = defineRecord('stop', { parts: [], fields: {} })
