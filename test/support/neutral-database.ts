import { randomUUID } from 'node:crypto'
import { withHostileDatabase } from '../../agent/database/hostile-database.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { assertNeutral } from '../../agent/neutralize/assertions.ts'
import { blankCredentials } from '../../agent/neutralize/blank.ts'
import type { Wishes } from '../../agent/neutralize/rule.ts'
import { canary, parameters, sampleOf, tables } from './neutral-tables.ts'
import { createRig, LIMITS, POSTGRES_IMAGE } from './storage.ts'
import { withSuperuser } from './superuser.ts'

export type NeutralDatabase = Awaited<ReturnType<typeof createNeutralDatabase>>

const never = new AbortController().signal

/** A copy of a production that has all the tables, a canary in each column that is to be blanked. */
export async function createNeutralDatabase(
  wishes: Wishes = { passwords: 'disable', secretSha256: undefined },
) {
  const rig = await createRig('reflink')
  const cell = await rig.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'staging',
      postgresImage: POSTGRES_IMAGE,
      limits: LIMITS,
    },
    rig.step,
  )
  /** Statements with the rights of Odoo's role, as a tenant's code has them. */
  const asOdoo = (...texts: string[]) =>
    withSuperuser(
      cell,
      async (client) => {
        await client.query('set role odoo')
        for (const text of texts) await client.query(text)
      },
      { database: DATABASE },
    )
  const rowsOf = <R extends object>(text: string) =>
    withSuperuser(cell, async (client) => (await client.query<R>(text)).rows, { database: DATABASE })
  await asOdoo(...statements())
  const step = { id: randomUUID(), cellId: cell.id, purpose: 'pristine', quiesce: true }
  const pristine = (await rig.cells.snapshot(step, rig.step)).id
  return {
    asOdoo,
    rowsOf,
    reset: () => rig.cells.restore(cell.id, pristine, rig.step),
    remove: () => rig.remove(),
    blank: (differently: Partial<Wishes> = {}, adminHash?: string) =>
      blankCredentials(cell, { ...wishes, ...differently }, adminHash, never),
    /** Names of the assertions that do not hold. */
    async failed(differently: Partial<Wishes> = {}) {
      const asked = { ...wishes, ...differently }
      const results = await withHostileDatabase(cell, (database) => assertNeutral(database, asked), {
        signal: never,
      })
      return results.filter(({ passed }) => !passed).map(({ name }) => name)
    },
    /** `table.column` of all that still holds a canary. */
    async remaining(): Promise<string[]> {
      const questions = Object.entries(tables).flatMap(([table, columns]) =>
        Object.entries(columns).map(([column, type]) => {
          const text = type.startsWith('bytea') ? `convert_from("${column}", 'UTF8')` : `"${column}"::text`
          return `select '${table}.${column}' as item where exists (
                    select from ${table} where strpos(${text}, '${canary}') > 0)`
        }),
      )
      const rows = await rowsOf<{ item: string }>(questions.join(' union all '))
      return rows.map(({ item }) => item)
    },
    ask: <T>(question: Parameters<typeof withHostileDatabase<T>>[1]) =>
      withHostileDatabase(cell, question, { signal: never }),
  }
}

function statements(): string[] {
  const made = Object.entries(tables).map(([table, columns]) => {
    const names = Object.keys(columns).map((name) => `"${name}"`)
    const types = Object.entries(columns).map(([name, type]) => `"${name}" ${type.replace('!', '')}`)
    const values = Object.values(columns).map(sampleOf)
    const row = table === 'ir_config_parameter' ? '' : `insert into ${table} (${names}) values (${values});`
    return `create table ${table} (id serial primary key, ${types}); ${row}`
  })
  const settings = parameters.map(([key, value]) => `('${key}', '${value}')`)
  return [
    ...made,
    `insert into ir_config_parameter (key, value) values ${settings}`,
    `insert into ir_model_data (module, name, model, res_id) values ('base', 'user_admin', 'res.users', 1)`,
    `insert into ir_act_server (state, webhook_url) values ('code', null)`,
    `update mail_message set body = '<a href="https://shop.example.com/web/reset_password?token=canary">'`,
    `update mail_mail set state = 'exception', mail_message_id = 1`,
    `insert into mail_message (subject, body) values ('sent', 'https://shop.example.com/?token=of a note')`,
    `insert into mail_mail (state, mail_message_id, body_html) values ('sent', 2, 'kept')`,
  ]
}
