import { z } from 'zod'
import type { Stored } from '../db/record.ts'
import type { RunKind } from '../db/tables/runs.ts'
import { DomainError } from '../errors.ts'
import { completed } from './record-former.ts'

type Fields = z.ZodRawShape
type Json = Readonly<Record<string, unknown>>

/** Fields that a run notes at once: a record has all of them, or none. */
export interface Part<F extends Fields = Fields> {
  readonly fields: F
  /** What a record from before versions may lack of them where it has the others. */
  readonly former: Json
}

export const part = <F extends Fields>(fields: F, former: Partial<Stored<z.ZodObject<F>>> = {}): Part<F> => ({
  fields,
  former,
})

type WholeOrNone<F extends Fields> = Stored<z.ZodObject<F>> | { readonly [Name in keyof F]?: undefined }
type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Each) => void
  ? Each
  : never
type Merged<Parts extends readonly Part[]> = {
  [Index in keyof Parts]: (each: WholeOrNone<Parts[Index]['fields']>) => void
}[number] extends (all: infer Each) => void
  ? Each
  : never
type Some<F extends Fields> = [keyof F] extends [never] ? object : Partial<Stored<z.ZodObject<F>>>

/** A run's row, as far as its record is read out of it. */
export interface RecordRow {
  readonly id: string
  readonly record: unknown
  readonly record_version: number
}

/** What a kind of run puts on record, and how that is read again. */
export interface KindRecord<Whole extends object = object, Notes extends object = object> {
  /** What is written now. It grows with `upgrades`. */
  readonly version: number
  /** Of everything that a run of the kind may note. */
  readonly names: readonly string[]
  /**
   * The record of a run of this kind, as this version has it. Throws RecordMisfit where it does not fit, or a newer server
   * wrote it. Names that are not declared stay in it.
   */
  read(run: RecordRow): Whole
  /** The same, for what is read across kinds: see `viewOf` of operations/kinds.ts. */
  notes(run: RecordRow): Notes
}

export interface RecordShape<Parts extends readonly Part[], F extends Fields> {
  readonly parts: Parts
  /** What stands for itself: noted in some runs, and not in others. */
  readonly fields: F
  /** The first makes version 3 of version 2, the next one 4 of 3. Version 1 becomes 2 by record-former.ts. */
  readonly upgrades?: readonly ((former: Json) => Json)[]
}

/** Declares the record of a kind of run: see "Add a kind of run" in CONTRIBUTING.md. */
export function defineRecord<const Parts extends readonly Part[], F extends Fields>(
  kind: RunKind,
  { parts, fields, upgrades = [] }: RecordShape<Parts, F>,
): KindRecord<Merged<Parts> & Some<F>, Some<All<Parts[number]['fields']> & F>> {
  const all: Fields = Object.assign({}, fields, ...parts.map((each) => each.fields))
  const schema = z.object(all).partial()
  const required = parts.map(requiredOf)
  const table: readonly ((former: Json) => Json)[] = [(former) => completed(former, parts), ...upgrades]
  const version = table.length + 1

  const read = ({ id, record: json, record_version: from }: RecordRow): unknown => {
    if (from > version) throw newer({ id, kind }, from, version)
    if (!isObject(json)) throw new RecordMisfit({ id, kind }, 'it is no object')
    const record = table.slice(from - 1).reduce((former, upgrade) => upgrade(former), json)
    const issue = schema.safeParse(record).error?.issues[0]
    if (issue) throw new RecordMisfit({ id, kind }, `${issue.path.join('.')}: ${issue.message}`)
    for (const names of required) {
      const missing = names.find((name) => record[name] === undefined)
      const present = missing && names.find((name) => record[name] !== undefined)
      if (present) throw new RecordMisfit({ id, kind }, `${missing} is missing beside ${present}`)
    }
    return record
  }
  return {
    version,
    names: Object.keys(all),
    read: (run) => read(run) as Merged<Parts> & Some<F>,
    notes: (run) => read(run) as Some<All<Parts[number]['fields']> & F>,
  }
}

const isObject = (json: unknown): json is Json =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const requiredOf = ({ fields }: Part): readonly string[] => {
  const known = z.object(fields).safeParse({})
  return (known.error?.issues ?? []).map(({ path }) => String(path[0]))
}

interface Named {
  readonly id: string
  readonly kind: RunKind
}

/** What a run's row holds is not what runs of its kind put on record. */
export class RecordMisfit extends DomainError {
  override name = 'RecordMisfit'
  constructor({ id, kind }: Named, fault: string, next = damaged) {
    super('wrong-state', 'record-misfit', `The record of run ${id} (${kind}) does not fit: ${fault}. ${next}`)
  }
}

const damaged =
  'No server writes that: somebody changed the database behind it. Take the column record of this row (table runs) from a backup.'

const newer = (run: Named, from: number, known: number): RecordMisfit =>
  new RecordMisfit(
    run,
    `it has version ${from}, and this server knows ${known}`,
    'A newer server wrote it: upgrade this one.',
  )
