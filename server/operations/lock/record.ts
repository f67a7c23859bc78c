import { defineRecord } from '../../runs/record.ts'
import { found, resolved } from '../../runs/record-parts.ts'

export const lockRecord = defineRecord('lock', { parts: [resolved], fields: found })
