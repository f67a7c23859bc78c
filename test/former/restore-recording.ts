import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import pg from 'pg'
import { createSealer } from '../../server/sealer.ts'
import {
  applyMigrations,
  migrationsBefore,
  startFormerDatabase,
  upgradeDatabase,
} from '../support/former-database.ts'
import type { TestDatabase } from '../support/postgres.ts'
import type { Recording } from './recording.ts'

const file = new URL('former-runs.json.br', import.meta.url)

export const readRecording = (): Recording =>
  JSON.parse(brotliDecompressSync(readFileSync(file)).toString()) as Recording

/**
 * The former server's database, as this version finds and upgrades it; what it had recorded has happened a moment ago. Its
 * context opens what the former server had sealed.
 */
export async function restoreRecording(recording: Recording): Promise<TestDatabase> {
  const former = await startFormerDatabase()
  const last = recording.migrations.at(-1) ?? ''
  await applyMigrations(former.ownerUrl, await migrationsBefore(`${last}~`))
  await insertRows(former.ownerUrl, recording)
  const { database } = await upgradeDatabase(former)
  await putBlobs(database, recording)
  const sealer = createSealer(Buffer.from(recording.masterKey, 'base64'))
  return { ...database, context: { ...database.context, sealer } }
}

/** Into a database of the former server's schema, whether a server is at work there or not. */
export async function insertRows(ownerUrl: string, { tables, at }: Recording): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    // Rows refer to each other in every order, and triggers have had their turn.
    await client.query('set session_replication_role = replica')
    for (const [table, rows] of Object.entries(tables)) {
      const { rows: columns } = await client.query<{ name: string; type: string }>(
        `select column_name as name, data_type as type from information_schema.columns
         where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'`,
        [table],
      )
      const names = columns.map(({ name }) => `"${name}"`)
      const values = columns.map(({ name, type }) =>
        type === 'timestamp with time zone' ? `"${name}" + (now() - $2)` : `"${name}"`,
      )
      await client.query(
        `insert into ${table} (${names}) overriding system value
         select ${values} from jsonb_populate_recordset(null::${table}, $1) where $2::timestamptz is not null
         on conflict do nothing`,
        [JSON.stringify(rows), at],
      )
    }
  } finally {
    await client.end()
  }
}

export async function putBlobs({ context }: TestDatabase, { blobs }: Recording): Promise<void> {
  for (const blob of Object.values(blobs)) await context.blobs.put(Buffer.from(blob, 'base64'))
}
