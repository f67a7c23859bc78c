import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { query } from './postgres.ts'

const folder = new URL('../../migrations/', import.meta.url)

/** Applies those migrations as a server of before did, which knew no others. */
export async function applyMigrations(ownerUrl: string, files: readonly string[]): Promise<void> {
  await query(
    ownerUrl,
    'create table if not exists schema_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
  )
  for (const name of files) {
    const text = await readFile(new URL(name, folder), 'utf8')
    const sha256 = createHash('sha256').update(text).digest('hex')
    await query(ownerUrl, text)
    await query(ownerUrl, 'insert into schema_migrations (name, sha256) values ($1, $2)', [name, sha256])
  }
}

/** Names of the migrations before one, such as `0009`. */
export const migrationsBefore = async (end: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.sql') && name < end).sort()
