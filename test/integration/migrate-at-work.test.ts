import pg from 'pg'
import { expect, test } from 'vitest'
import { migrate } from '../../server/db/migrate.ts'
import { rolePasswords } from '../../server/db/roles.ts'
import { query, startTestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// A database is migrated while another server is at work on it.

const file = '0034-run-history.sql'
/** As it was before that file, which locks `tasks` first and `runs` last. */
const before = `
  alter table tasks drop column ordinal;
  alter table steps drop column ordinal;
  alter table effects drop column ordinal, drop column error;
  alter table runs drop column pipeline_version;
  delete from schema_migrations where name = '${file}';`

test('a file that meets a server at work in the other order is applied all the same', async () => {
  const database = await startTestDatabase()
  const { ownerUrl } = database
  const client = new pg.Client({ connectionString: ownerUrl })
  const waits = () =>
    query(ownerUrl, `select from pg_locks where relation = 'runs'::regclass and not granted`)

  /** As each advance does: its run first, and then its tasks. Never the one that PostgreSQL ends. */
  async function advance(): Promise<void> {
    await waitFor('the file to wait', async () => (await waits()).length > 0)
    await client.query('select from tasks')
    await client.query('commit')
  }

  try {
    await query(ownerUrl, before)
    await client.connect()
    await client.query(`set deadlock_timeout = '10min'`)
    await client.query('begin')
    await client.query('select from runs for no key update')
    const [{ applied }] = await Promise.all([
      migrate(ownerUrl, rolePasswords(database.context.sealer)),
      advance(),
    ])
    expect(applied).toEqual([file])
  } finally {
    await client.end()
    await database.close()
  }
}, 60_000)
