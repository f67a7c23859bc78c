import { type Column, literal, quote, type Schema } from './schema.ts'

/** What a neutralization is to do beyond what it always does. */
export interface Wishes {
  /** What becomes of the passwords of people. */
  readonly passwords: 'keep' | 'disable' | 'reset'
  /** SHA-256, in hex, of the `database.secret` that the copy came with. */
  readonly secretSha256: string | undefined
  /** Where the copy answers, `https://staging.shop.example.com`; undefined: nowhere, or nobody said. */
  readonly address?: string | undefined
  /** Host names of production. */
  readonly productionHosts?: readonly string[]
}

/**
 * One thing that a copy of production must not have: how it is taken away, and how one sees that it is gone. All SQL runs
 * with `search_path = pg_catalog`: tables of Odoo are written `public.<name>`.
 */
export interface Rule {
  /** Of the assertion, for people: it stands in the evidence. */
  readonly name: string
  readonly table: string
  /** Those of the table that its SQL names. */
  readonly columns: readonly string[]
  /** One idempotent statement; absent where one can only look. */
  readonly change?: string
  /** A query: each row is an offence, and its column `item` says which, without any secret. */
  readonly offences: string
  /** Of what it takes away the planner's statistics may tell. */
  readonly isSecret?: false
}

/** The rules of one idea for a database that has these tables. */
export type Idea = (schema: Schema, wishes: Wishes) => readonly Rule[]

/** A rule that applies where its table has these columns. */
export function where(
  schema: Schema,
  table: string,
  columns: readonly string[],
  rule: Omit<Rule, 'table' | 'columns'>,
): Rule[] {
  return schema.has(table, ...columns) ? [{ ...rule, table, columns }] : []
}

export interface Credentials {
  /** Of the assertion. */
  readonly name: string
  readonly table: string
  /** Blanked where they are there. */
  readonly columns?: readonly string[]
  /** Others whose name matches are blanked as well. */
  readonly like?: RegExp
  readonly except?: readonly string[]
}

/** Names of columns that hold a credential, in a table that is about connections to the outside. */
export const credentialLike =
  /passw(or)?d|passphrase|secret|token(?!ization)|api_?key|(private|access|security|signature|session|transaction|client|hmac|encryption|replacement)_?key|session_iv|client_(id|identifier)$|credential|bearer/

/** Blanks columns of one table: NULL, or empty where the column must have a value. */
export function blank(schema: Schema, { name, table, columns = [], like, except = [] }: Credentials): Rule[] {
  const found = schema
    .columnsOf(table)
    .filter(({ name, kind }) => kind !== 'other' && !except.includes(name))
    .filter((column) => columns.includes(column.name) || like?.test(column.name))
  if (found.length === 0) return []
  const filled = found.map(isFilled)
  return [
    {
      name,
      table,
      columns: found.map((column) => column.name),
      change: `update public.${quote(table)} set ${found.map(setBlank).join(', ')} where ${filled.join(' or ')}`,
      offences: found
        .map(
          (column) =>
            `(select ${literal(`${table}.${column.name}`)} as item from public.${quote(table)} where ${isFilled(column)} limit 1)`,
        )
        .join(' union all '),
    },
  ]
}

const setBlank = ({ name, kind, required }: Column) => `${quote(name)} = ${required ? empty[kind] : 'null'}`
const empty = { text: "''", bytes: "''", json: "'{}'", other: 'null' } as const

function isFilled({ name, kind }: Column): string {
  const column = quote(name)
  if (kind === 'bytes') return `pg_catalog.length(${column}) > 0`
  if (kind === 'json') return `${column}::text not in ('{}', 'null', '[]')`
  return `${column} <> ''`
}

/** Takes all rows of a table away. Nothing else may refer to them. */
export const empties = (schema: Schema, table: string, name: string): Rule[] =>
  where(schema, table, [], {
    name,
    change: `delete from public.${quote(table)}`,
    offences: `select count(*) || ' rows' as item from public.${quote(table)} having count(*) > 0`,
  })
