import type { Kysely } from 'kysely'
import type { Schema } from '../../server/db/schema.ts'
import type { Tx } from '../../server/db/tenancy.ts'

/** The same pool, whose transactions leave out what they would write into the audit log: what the log costs is the rest. */
export function withoutAudit(app: Kysely<Schema>): Kysely<Schema> {
  return replacing(app, {
    transaction: () => {
      const begun = app.transaction()
      return { execute: <T>(work: (tx: Tx) => Promise<T>) => begun.execute((tx) => work(skipping(tx))) }
    },
  })
}

const skipping = (tx: Tx): Tx =>
  replacing(tx, {
    insertInto: (table: keyof Schema) => (table === 'audit_events' ? nothing : tx.insertInto(table)),
  })

const nothing = { values: () => nothing, execute: async () => [] }

/** The target with other methods in the place of some; the rest is its own. */
function replacing<T extends object>(target: T, methods: Record<string, unknown>): T {
  return new Proxy(target, {
    get(own, name) {
      if (typeof name === 'string' && name in methods) return methods[name]
      const value = Reflect.get(own, name, own) as unknown
      return typeof value === 'function' ? (value.bind(own) as unknown) : value
    },
  })
}
