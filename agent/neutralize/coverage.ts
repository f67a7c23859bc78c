import { type HostileDatabase, quoteIdentifier } from '../database/hostile-database.ts'
import { lookUpOdooTables, type OdooTables } from '../database/odoo-tables.ts'
import { plain } from '../plain-text.ts'
import { findWaitingWork } from './waiting-work.ts'

/** A module that neutralization passes by although it holds what looks like a key, an address, or work that waits. */
export interface Uncovered {
  module: string
  /** Names of fields and parameters, never their values but of states. */
  holds: string[]
}

// PostgreSQL regular expressions, on names of fields and keys of parameters.
const suspicious =
  '(passw(or)?d|passphrase|api_?key|secret|private_?key|(^|[._])token$|_token$|webhook|endpoint|(api|server|service|base|host)_url$)'
// What lets visitors in to one document, not the database out to a service; and what every Odoo has.
const harmless =
  "('access_token', 'signup_token', 'invite_token', 'share_token', 'web.base.url', 'database.secret')"

/**
 * Names installed modules that hold a non-empty credential or endpoint, or work in a queue that is not known here, and have
 * no neutralize.sql. `covered` are the modules that have one.
 */
export async function findUncovered(
  database: HostileDatabase,
  covered: ReadonlySet<string>,
): Promise<Uncovered[]> {
  const found = new Map<string, Set<string>>()
  const note = (module: string, what: string) => {
    if (covered.has(module)) return
    found.set(module, (found.get(module) ?? new Set()).add(what))
  }
  const tables = await lookUpOdooTables(database, Object.keys(asked))
  for (const field of await listFilledFields(database, tables, covered))
    note(field.module, `${field.model}.${field.name}`)
  for (const { module, key } of await listParameters(database, tables)) note(module, key)
  for (const { module, what } of await findWaitingWork(database, covered)) note(module, what)
  return [...found]
    .map(([module, holds]) => ({
      module: plain(module, 200),
      holds: [...holds].map((name) => plain(name, 200)).sort(),
    }))
    .sort((a, b) => (a.module < b.module ? -1 : 1))
}

/** What is asked, by table. */
const asked = {
  ir_model_fields: ['id', 'model', 'model_id', 'name', 'store', 'ttype'],
  ir_model: ['id', 'transient'],
  ir_model_data: ['module', 'model', 'res_id'],
  ir_module_module: ['name', 'state'],
  ir_config_parameter: ['id', 'key', 'value'],
} as const
const requireOf = (tables: OdooTables, table: keyof typeof asked) => tables.require(table, ...asked[table])

interface Field {
  module: string
  model: string
  name: string
}

async function listFilledFields(
  database: HostileDatabase,
  tables: OdooTables,
  covered: ReadonlySet<string>,
): Promise<Field[]> {
  const { rows } = await database.query<Field>(
    `select distinct data.module, field.model, field.name
       from ${requireOf(tables, 'ir_model_fields')} field
       join ${requireOf(tables, 'ir_model')} model on model.id = field.model_id and not model.transient
       join ${requireOf(tables, 'ir_model_data')} data on data.model = 'ir.model.fields' and data.res_id = field.id
       join ${requireOf(tables, 'ir_module_module')} module on module.name = data.module and module.state = 'installed'
      where field.store and field.ttype in ('char', 'text')
        and left(field.name, 100) ~* $1 and field.name not in ${harmless}
        and data.module <> all ($2::text[])
      order by 1, 2, 3`,
    [suspicious, [...covered]],
  )
  const tableOf = (model: string) => model.replaceAll('.', '_')
  const holding = await lookUpOdooTables(
    database,
    rows.map(({ model }) => tableOf(model)),
  )
  const filled: Field[] = []
  for (const field of rows) {
    const table = holding.findPlain(tableOf(field.model), field.name)
    if (!table) continue
    const { rows: some } = await database.query(
      `select from ${table} where ${quoteIdentifier(field.name)}::text <> '' limit 1`,
    )
    if (some.length > 0) filled.push(field)
  }
  return filled
}

async function listParameters(
  database: HostileDatabase,
  tables: OdooTables,
): Promise<{ module: string; key: string }[]> {
  const { rows } = await database.query<{ module: string; key: string }>(
    `select distinct module.name as module, parameter.key
       from ${requireOf(tables, 'ir_config_parameter')} parameter
       join ${requireOf(tables, 'ir_module_module')} module
         on module.state = 'installed'
        and (module.name = split_part(parameter.key, '.', 1)
             or module.name in (select data.module from ${requireOf(tables, 'ir_model_data')} data
                                 where data.model = 'ir.config_parameter' and data.res_id = parameter.id))
      where left(parameter.key, 200) ~* $1 and parameter.key not in ${harmless}
        -- a switch is no secret
        and lower(coalesce(parameter.value, '')) not in ('', 'true', 'false', '0', '1')
      order by 1, 2`,
    [suspicious],
  )
  return rows
}
