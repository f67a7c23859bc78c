import { type HostileDatabase, quoteIdentifier } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import { knownQueues } from './ideas/work.ts'

/** Work that may wait in a table that nobody here knows. */
export interface WaitingWork {
  readonly module: string
  /** `shop.outbox.state = to_send` */
  readonly what: string
}

/** Values of a state that say that something is to be done by itself. */
const queued = ['outgoing', 'enqueued', 'queued', 'in_queue', 'to_send', 'to_process', 'to_retry', 'retry']
/** People's work can be in these as well: they count where the model's name is that of a queue. */
const ambiguous = ['pending', 'scheduled', 'waiting', 'ready', 'started', 'running', 'processing', 'new']
const queueLike = '(queue|job|outbox|outgoing|webhook|sync|export|import|delayed|async)'

/** Of Odoo and the OCA: what says `to_send` here is a person's to send, or is told by another table. */
const known = [
  'account.move',
  'pos.order',
  'mail.notification',
  'mailing.trace',
  'mail.mail',
  'hr.job',
  'queue.job.batch',
]

/** What is asked, by table. */
const asked = {
  ir_model_fields: ['id', 'model', 'model_id', 'name', 'store', 'ttype'],
  ir_model_fields_selection: ['field_id', 'value'],
  ir_model: ['id', 'transient'],
  ir_model_data: ['module', 'model', 'res_id'],
  ir_module_module: ['name', 'state'],
} as const

/** States of queues with rows in them, of installed modules that are not `covered`. */
export async function findWaitingWork(
  database: HostileDatabase,
  covered: ReadonlySet<string>,
): Promise<WaitingWork[]> {
  const tables = await lookUpOdooTables(database, Object.keys(asked))
  const of = (table: keyof typeof asked) => tables.find(table, ...asked[table])
  const [fields, selections, models] = [
    of('ir_model_fields'),
    of('ir_model_fields_selection'),
    of('ir_model'),
  ]
  const [data, modules] = [of('ir_model_data'), of('ir_module_module')]
  // Before 13 what a field may be stands in Python alone.
  if (!fields || !selections || !models || !data || !modules) return []
  const { rows } = await database.query<{ module: string; model: string; name: string; values: string[] }>(
    `select min(data.module) as module, field.model, field.name, array_agg(distinct selection.value) as values
       from ${fields} field
       join ${models} model on model.id = field.model_id and not model.transient
       join ${selections} selection on selection.field_id = field.id
       join ${data} data on data.model = 'ir.model.fields' and data.res_id = field.id
       join ${modules} module on module.name = data.module and module.state = 'installed'
      where field.store and field.ttype = 'selection' and left(field.name, 100) ~ '(^|_)(state|status)$'
        and field.model <> all ($1::text[]) and field.model not like 'l10n\\_%'
        and (selection.value = any ($2::text[])
             or (selection.value = any ($3::text[]) and left(field.model, 200) ~ $4))
      group by field.model, field.name
     having not bool_or(data.module = any ($5::text[]))
      order by 1, 2, 3`,
    [known, queued, ambiguous, queueLike, [...covered]],
  )
  const fitting = rows.filter(({ model }) => !knownQueues.has(tableOf(model)))
  const holding = await lookUpOdooTables(
    database,
    fitting.map(({ model }) => tableOf(model)),
  )
  const found: WaitingWork[] = []
  for (const { module, model, name, values } of fitting) {
    const table = holding.findPlain(tableOf(model), name)
    if (!table) continue
    const { rows: some } = await database.query<{ value: string }>(
      `select wanted.value from unnest($1::text[]) as wanted(value)
        where exists (select from ${table} work where work.${quoteIdentifier(name)}::text = wanted.value) order by 1`,
      [values],
    )
    found.push(...some.map(({ value }) => ({ module, what: `${model}.${name} = ${value}` })))
  }
  return found
}

const tableOf = (model: string) => model.replaceAll('.', '_')
