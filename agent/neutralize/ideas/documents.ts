import { blank, type Idea, type Rule, where } from '../rule.ts'
import { literal, quote, type Schema } from '../schema.ts'

/**
 * Links that open one document to whoever has them (orders, invoices, surveys, conversations): with a copy's one could
 * open production's. They become new ones, 32 characters long as Odoo expects them of visitors of a website.
 */
export const documents: Idea = (schema) => [
  ...['access_token', 'document_token'].flatMap((column) =>
    schema
      .tablesWith(column)
      .filter((table) => schema.columnsOf(table).some(({ name, kind }) => name === column && kind === 'text'))
      .flatMap((table) => renews(schema, table, column)),
  ),
  // `/chat/<id>/<uuid>` lets guests into a conversation. `mail_channel` until 16.
  ...['discuss_channel', 'mail_channel'].flatMap((table) => renews(schema, table, 'uuid')),
  ...blank(schema, {
    name: 'no link opens a document of production',
    table: 'discuss_channel',
    columns: ['sfu_channel_uuid'],
  }),
  ...blank(schema, {
    name: 'no link opens a document of production',
    table: 'survey_survey',
    columns: ['session_code'],
  }),
  // Several answers share one, by which Odoo counts the attempts.
  ...renews(
    schema,
    'survey_user_input',
    'invite_token',
    (column) => `md5((select gen_random_uuid()::text) || ${column})`,
  ),
]

const random = () => `replace(gen_random_uuid()::text, '-', '')`

function renews(
  schema: Schema,
  table: string,
  column: string,
  fresh: (column: string) => string = random,
): Rule[] {
  return where(schema, table, [column], {
    name: 'no link opens a document of production',
    change: `update public.${quote(table)} set ${column} = 'fairway' || left(${fresh(column)}, 25)
              where ${column} <> ''`,
    offences: `select ${literal(table)} as item from public.${quote(table)}
                where ${column} <> '' and ${column} not like 'fairway%' limit 1`,
  })
}
