import { createHash, randomBytes } from 'node:crypto'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type pg from 'pg'
import { DATABASE } from '../../agent/database/names.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { connectSuperuser, withSuperuser } from './superuser.ts'

/**
 * Data whose consistency shows: transfers keep the sum of all balances at zero and equal to the journal's, and each
 * attachment's file (named by its content, as in Odoo's filestore) is written before its row.
 */
export const ACCOUNTS = 5000

export async function createBank(cell: Cell): Promise<void> {
  await withSuperuser(
    cell,
    async (client) => {
      await client.query(`
        SET ROLE odoo;
        CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, filler text);
        CREATE TABLE journal (id bigserial PRIMARY KEY, account_id int NOT NULL, amount bigint NOT NULL, note text);
        CREATE INDEX journal_account ON journal (account_id, amount);
        CREATE TABLE ir_attachment (id bigserial PRIMARY KEY, store_fname text NOT NULL);
        INSERT INTO account SELECT g, 0, repeat(md5(g::text), 4) FROM generate_series(1, ${ACCOUNTS}) g;
        RESET ROLE;
        CREATE EXTENSION amcheck;
      `)
    },
    { database: DATABASE },
  )
  await writeAttachments(cell, 20)
}

/** Writes attachments as Odoo does: the file first, then the row. */
export async function writeAttachments(cell: Cell, count: number): Promise<void> {
  await withSuperuser(
    cell,
    async (client) => {
      for (let made = 0; made < count; made += 1) await writeAttachment(cell, client)
    },
    { database: DATABASE },
  )
}

async function writeAttachment(cell: Cell, client: pg.Client): Promise<void> {
  const content = randomBytes(2000)
  const hash = createHash('sha1').update(content).digest('hex')
  const name = `${hash.slice(0, 2)}/${hash}`
  const path = join(cell.paths.filestore, 'filestore/odoo', name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  await client.query('INSERT INTO ir_attachment (store_fname) VALUES ($1)', [name])
}

export interface Load {
  /** Ends the load. @returns how many transfers were committed. Rejects when a session failed. */
  stop(): Promise<number>
}

/** Transfers from several sessions at once, and now and then an attachment, until stopped. */
export function startLoad(cell: Cell, sessions = 4): Load {
  let running = true
  let committed = 0
  const session = async () => {
    const client = await connectSuperuser(cell, { database: DATABASE })
    while (running) {
      const [from, to] = [randomAccount(), randomAccount()]
      await client.query(`
        BEGIN;
        UPDATE account SET balance = balance - 7 WHERE id = ${Math.min(from, to)};
        UPDATE account SET balance = balance + 7 WHERE id = ${Math.max(from, to)};
        INSERT INTO journal (account_id, amount, note) VALUES
          (${Math.min(from, to)}, -7, repeat('x', 300)), (${Math.max(from, to)}, 7, repeat('y', 300));
        COMMIT`)
      committed += 1
      if (committed % 50 === 0) await writeAttachment(cell, client)
    }
    await client.end()
  }
  const all = Promise.all(Array.from({ length: sessions }, session))
  // Reported by stop(); not to be an unhandled rejection before.
  all.catch(() => undefined)
  return {
    async stop() {
      running = false
      await all
      return committed
    },
  }
}

function randomAccount(): number {
  return 1 + Math.floor(Math.random() * ACCOUNTS)
}

/**
 * Everything that is wrong with a cell's data, by the invariants and by PostgreSQL's own checks (amcheck on every table
 * and index; reading them verifies each block's checksum). Empty: it is consistent.
 */
export async function findFaults(cell: Cell): Promise<string[]> {
  return withSuperuser(
    cell,
    async (client) => {
      const faults: string[] = []
      const one = async (sql: string) => (await client.query<{ value: string }>(sql)).rows[0]?.value
      const accounts = await one('SELECT count(*) AS value FROM account')
      if (Number(accounts) !== ACCOUNTS) faults.push(`${accounts} accounts`)
      const sum = await one('SELECT sum(balance) AS value FROM account')
      if (Number(sum) !== 0) faults.push(`balances sum to ${sum}`)
      const apart = await one(`SELECT count(*) AS value FROM account a
        WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM journal j WHERE j.account_id = a.id)`)
      if (Number(apart) !== 0) faults.push(`${apart} accounts differ from their journal`)
      faults.push(...(await checkStructures(client)), ...(await missingFiles(cell, client)))
      return faults
    },
    { database: DATABASE },
  )
}

async function checkStructures(client: pg.Client): Promise<string[]> {
  const heap = await client.query<{ msg: string }>(`
    SELECT c.relname || ': ' || v.msg AS msg FROM pg_class c, LATERAL verify_heapam(c.oid) v
    WHERE c.relkind IN ('r', 't', 'm') AND c.relpersistence = 'p'`)
  const checked = await client.query(`
    SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p' AND i.indisvalid`)
  if ((checked.rowCount ?? 0) < 50) return [`only ${checked.rowCount} indexes checked`]
  const checksums = await client.query<{ value: string }>("SELECT current_setting('data_checksums') AS value")
  if (checksums.rows[0]?.value !== 'on') return ['no checksums']
  return heap.rows.map(({ msg }) => msg)
}

async function missingFiles(cell: Cell, client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ store_fname: string }>('SELECT store_fname FROM ir_attachment')
  const missing: string[] = []
  for (const { store_fname } of rows) {
    await access(join(cell.paths.filestore, 'filestore/odoo', store_fname)).catch(() =>
      missing.push(store_fname),
    )
  }
  return missing.length > 0 ? [`${missing.length} of ${rows.length} attachments have no file`] : []
}
