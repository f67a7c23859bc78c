import { z } from 'zod'
import { parseJson } from '../../cached-json.ts'
import { findingWord } from './settings.ts'

const name = z.string().max(300)
const text = z.string().transform((value) => value.replace(/\s+/g, ' ').trim().slice(0, 500))
const path = z
  .string()
  .max(500)
  .regex(/^\/[^/\s][^\s]*$/)

const faultSchema = z.object({
  kind: z.literal('fault'),
  what: z.enum(['no-table', 'no-column', 'no-view-column', 'wrong-type', 'no-relation', 'unreadable']),
  model: name,
  field: name,
  module: name,
  detail: text,
})

const findingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begun') }),
  faultSchema,
  z.object({ kind: z.literal('models'), count: z.int() }),
  z.object({ kind: z.literal('languages'), codes: z.array(z.string().regex(/^[\w@.-]{1,30}$/)).max(200) }),
  z.object({
    kind: z.literal('bundle'),
    name,
    rtl: z.boolean(),
    urls: z.array(path).max(20),
    error: text.optional(),
    /** Whose manifest asks for what is at fault; empty where nobody knows. */
    module: name.optional(),
  }),
  z.object({ kind: z.literal('done') }),
])

export type ModelFault = z.infer<typeof faultSchema>
type Finding = z.infer<typeof findingSchema>
export type Bundle = Omit<Extract<Finding, { kind: 'bundle' }>, 'kind'>

/** What an inspection found. Plain JSON. */
export interface Findings {
  /** It was given what to look at, and said something of it. */
  begun: boolean
  faults: ModelFault[]
  moreFaults: number
  models: number
  languages: string[]
  bundles: Bundle[]
  /** Lines of ours that say nothing we know. */
  garbled: number
  /** It came to its end. */
  done: boolean
}

const maxFaults = 200
const maxBundles = 500

/** Lines of standard output; what is no finding of ours is passed by. */
export function parseFindings(lines: readonly string[]): Findings {
  const found: Findings = {
    begun: false,
    faults: [],
    moreFaults: 0,
    models: 0,
    languages: [],
    bundles: [],
    garbled: 0,
    done: false,
  }
  for (const line of lines) {
    if (!line.startsWith(`${findingWord} `)) continue
    const finding = parseJson(line.slice(findingWord.length + 1), findingSchema)
    if (finding) add(found, finding)
    else found.garbled++
  }
  return found
}

function add(found: Findings, finding: Finding): void {
  found.begun = true
  switch (finding.kind) {
    case 'begun':
      return
    case 'fault':
      if (found.faults.length < maxFaults) found.faults.push(finding)
      else found.moreFaults++
      return
    case 'models':
      found.models = finding.count
      return
    case 'languages':
      found.languages = finding.codes
      return
    case 'bundle': {
      const { kind: _, ...bundle } = finding
      if (found.bundles.length < maxBundles) found.bundles.push(bundle)
      return
    }
    case 'done':
      found.done = true
  }
}

const words: Record<ModelFault['what'], (fault: ModelFault) => string> = {
  'no-table': ({ detail }) => `has no table ${detail}`,
  'no-column': ({ detail }) => `column ${detail} does not exist`,
  'wrong-type': ({ detail }) => `its column ${detail}`,
  'no-relation': ({ detail }) => `its table ${detail} does not exist`,
  'no-view-column': ({ detail }) => `its view has no column ${detail}`,
  unreadable: ({ detail }) => `cannot be read: ${detail}`,
}

/** `sale.order.points (module sale_points): column sale_order.points does not exist` */
export function describeFault(fault: ModelFault): string {
  const of = fault.module ? ` (module ${fault.module})` : ''
  const field = fault.field ? `.${fault.field}` : ''
  return `${fault.model}${field}${of}: ${words[fault.what](fault)}`
}

/** Reports on views of SQL may lack a column that nobody ever reads; tables may not. */
export const isSevere = ({ what }: ModelFault): boolean => what !== 'no-view-column'

/** All in one line, with what to do about it. */
export function describeFaults({ faults, moreFaults }: Pick<Findings, 'faults' | 'moreFaults'>): string {
  const shown = faults.slice(0, 3).map(describeFault)
  const left = faults.length - shown.length + moreFaults
  const modules = [...new Set(faults.map(({ module }) => module).filter(Boolean))]
  const next =
    modules.length > 0
      ? `: update ${modules.length > 1 ? 'the modules' : 'module'} ${modules.slice(0, 5).join(', ')}`
      : ''
  return `the code and the database do not fit: ${shown.join('; ')}${left > 0 ? ` and ${left} more` : ''}${next}`
}
