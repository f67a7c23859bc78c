import { credentialLike, type Idea, where } from '../rule.ts'
import { literal } from '../schema.ts'

const values = ['old_value_char', 'new_value_char', 'old_value_text', 'new_value_text']
const pattern = literal(`${credentialLike.source}|webhook_url`)

/** What tracked fields were before and became: Odoo 19 tracks the address that a server action's webhook calls. */
export const history: Idea = (schema) =>
  // `field` until 16.
  ['field_id', 'field'].flatMap((field) => {
    const held = values.map((value) => `coalesce(${value}, '') <> ''`).join(' or ')
    const found = `(${held}) and ${field} in (select id from public.ir_model_fields where name ~* ${pattern})`
    if (!schema.has('ir_model_fields', 'id', 'name')) return []
    return where(schema, 'mail_tracking_value', [field, ...values], {
      name: 'no credential in the history of a record',
      change: `update public.mail_tracking_value set ${values.map((value) => `${value} = null`).join(', ')} where ${found}`,
      offences: `select 'change ' || id as item from public.mail_tracking_value where ${found}`,
    })
  })
