import { type Idea, where } from '../rule.ts'
import { quote } from '../schema.ts'

/**
 * Links that open one document to whoever has them (orders, invoices, surveys): with a copy's one could open
 * production's. They become new ones, 32 characters long as Odoo expects them of visitors of a website.
 */
export const documents: Idea = (schema) =>
  schema
    .tablesWith('access_token')
    .filter((table) =>
      schema.columnsOf(table).some(({ name, kind }) => name === 'access_token' && kind === 'text'),
    )
    .flatMap((table) =>
      where(schema, table, ['access_token'], {
        name: 'no link opens a document of production',
        change: `update public.${quote(table)}
                    set access_token = 'fairway' || left(replace(gen_random_uuid()::text, '-', ''), 25)
                  where access_token <> ''`,
        offences: `select ${"'"}${table.replaceAll("'", "''")}${"'"} as item from public.${quote(table)}
                    where access_token <> '' and access_token not like 'fairway%' limit 1`,
      }),
    )
