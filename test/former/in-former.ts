import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import setUp from '../support/global-setup.ts'
import { query, startTestDatabase } from '../support/postgres.ts'
import { playFormer } from './play-former.ts'
import type { Recording } from './recording.ts'
import { trim } from './trim.ts'

// node in-former.ts COMMIT FILE: what playFormer leaves, as a file. Carried out in a checkout of that commit.

const [commit = '', file = ''] = process.argv.slice(2)
const tearDown = await setUp()
const database = await startTestDatabase()
const { ownerUrl, masterKey, context } = database

const cases = await playFormer(database)
const of = <Row>(text: string) => query<Row>(ownerUrl, text)
const names = await of<{ name: string }>(
  `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
)
const tables: Record<string, Recording['tables'][string]> = {}
const migrations = await of<{ name: string }>('select name from schema_migrations order by name')
for (const { name } of names) {
  if (['schema_migrations', 'installation'].includes(name)) continue
  const rows = await of<{ row: Record<string, unknown> }>(`select to_jsonb(t) as row from ${name} t`)
  if (rows.length > 0) tables[name] = rows.map(({ row }) => row)
}
const blobs: Record<string, string> = {}
const folder = join(context.config.dataDir, 'blobs')
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
  if (entry.isFile()) {
    const blob = await readFile(join(entry.parentPath, entry.name))
    blobs[createHash('sha256').update(blob).digest('hex')] = blob.toString('base64')
  }
const recording: Recording = {
  commit,
  at: new Date().toISOString(),
  masterKey,
  migrations: migrations.map(({ name }) => name),
  cases,
  tables,
  blobs,
}
await writeFile(file, brotliCompressSync(JSON.stringify(trim(recording))))
console.info(`${cases.length} runs`)
await database.close()
await tearDown()
