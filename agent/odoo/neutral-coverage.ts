import type { Queries } from './installed-modules.ts'
import { readSchemaColumns } from './schema-columns.ts'

/** A module that neutralization passes by although it holds something that looks like a key or an address. */
export interface Uncovered {
  module: string
  /** Names of fields and parameters, never their values. */
  holds: string[]
}

// PostgreSQL regular expressions, on names of fields and keys of parameters.
const suspicious =
  '(passw(or)?d|passphrase|api_?key|secret|private_?key|(^|[._])token$|_token$|webhook|endpoint|(api|server|service|base|host)_url$)'
// What lets visitors in to one document, not the database out to a service; and what every Odoo has.
const harmless =
  "('access_token', 'signup_token', 'invite_token', 'share_token', 'web.base.url', 'database.secret')"

/**
 * Names installed modules that hold a non-empty credential or endpoint and have no neutralize.sql. `covered` are the
 * modules that have one.
 */
export async function findUncovered(database: Queries, covered: ReadonlySet<string>): Promise<Uncovered[]> {
  const found = new Map<string, Set<string>>()
  const note = (module: string, what: string) => {
    if (covered.has(module)) return
    found.set(module, (found.get(module) ?? new Set()).add(what))
  }
  for (const field of await listFilledFields(database, covered))
    note(field.module, `${field.model}.${field.name}`)
  for (const { module, key } of await listParameters(database)) note(module, key)
  return [...found]
    .map(([module, holds]) => ({ module, holds: [...holds].sort() }))
    .sort((a, b) => (a.module < b.module ? -1 : 1))
}

interface Field {
  module: string
  model: string
  name: string
}

async function listFilledFields(database: Queries, covered: ReadonlySet<string>): Promise<Field[]> {
  const { rows } = await database.query<Field>(
    `select distinct data.module, field.model, field.name
       from ir_model_fields field
       join ir_model model on model.id = field.model_id and not model.transient
       join ir_model_data data on data.model = 'ir.model.fields' and data.res_id = field.id
       join ir_module_module module on module.name = data.module and module.state = 'installed'
      where field.store and field.ttype in ('char', 'text')
        and field.name ~* $1 and field.name not in ${harmless}
        and data.module <> all ($2::text[])
      order by 1, 2, 3`,
    [suspicious, [...covered]],
  )
  const schema = await readSchemaColumns(database)
  const filled: Field[] = []
  for (const field of rows) {
    const table = field.model.replaceAll('.', '_')
    if (!schema.has(table, field.name)) continue
    const { rows: some } = await database.query(
      `select from ${quote(table)} where ${quote(field.name)}::text <> '' limit 1`,
    )
    if (some.length > 0) filled.push(field)
  }
  return filled
}

async function listParameters(database: Queries): Promise<{ module: string; key: string }[]> {
  const { rows } = await database.query<{ module: string; key: string }>(
    `select distinct module.name as module, parameter.key
       from ir_config_parameter parameter
       join ir_module_module module
         on module.state = 'installed'
        and (module.name = split_part(parameter.key, '.', 1)
             or module.name in (select data.module from ir_model_data data
                                 where data.model = 'ir.config_parameter' and data.res_id = parameter.id))
      where parameter.key ~* $1 and parameter.key not in ${harmless}
        -- a switch is no secret
        and lower(coalesce(parameter.value, '')) not in ('', 'true', 'false', '0', '1')
      order by 1, 2`,
    [suspicious],
  )
  return rows
}

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
