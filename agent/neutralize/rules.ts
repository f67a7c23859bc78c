import type { HostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import { addresses } from './ideas/addresses.ts'
import { calendars } from './ideas/calendars.ts'
import { companies } from './ideas/companies.ts'
import { documents } from './ideas/documents.ts'
import { history } from './ideas/history.ts'
import { jobs } from './ideas/jobs.ts'
import { mail } from './ideas/mail.ts'
import { messages } from './ideas/messages.ts'
import { parameters } from './ideas/parameters.ts'
import { payments } from './ideas/payments.ts'
import { people } from './ideas/people.ts'
import { services } from './ideas/services.ts'
import { signIn } from './ideas/sign-in.ts'
import { work } from './ideas/work.ts'
import { keyFiles } from './key-files.ts'
import type { Idea, Rule, Wishes } from './rule.ts'
import { readSchema, type Schema } from './schema.ts'
import { statistics } from './statistics.ts'

const ideas: readonly Idea[] = [
  parameters,
  people,
  signIn,
  mail,
  payments,
  services,
  companies,
  keyFiles,
  calendars,
  messages,
  jobs,
  work,
  history,
  documents,
  // After those that give out new tokens.
  addresses,
]

/**
 * All that applies to a database, in the order in which it is done. What is changed and asked by them is what Odoo finds
 * under the same names.
 *
 * @throws TaskError `database-hostile` naming what stands in a table's place or is wrong with it.
 */
export async function readRules(
  database: HostileDatabase,
  wishes: Wishes,
): Promise<{ schema: Schema; rules: Rule[] }> {
  const schema = await readSchema(database)
  const taken = ideas.flatMap((idea) => idea(schema, wishes))
  const rules = [...taken, ...statistics(schema, taken)]
  const names = ['ir_model_data', ...schema.asked, ...rules.map(({ table }) => table)]
  const tables = await lookUpOdooTables(database, names)
  tables.find('ir_model_data', 'module', 'name', 'model', 'res_id')
  for (const name of schema.asked) tables.find(name)
  for (const { table, columns } of rules) tables.find(table, ...columns)
  return { schema, rules }
}
