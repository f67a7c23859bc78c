import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../packaging/dev/command.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { rolePasswords, roleUrls } from '../../server/db/roles.ts'
import { createLogger } from '../../server/logger.ts'
import {
  createOrganization,
  freePort,
  query,
  startTestDatabase,
  type TestDatabase,
} from '../support/postgres.ts'
import { POSTGRES_IMAGE } from '../support/storage.ts'

// What docs/operations.md says of dumping the control plane, as written, on an owner that is no superuser, and into
// another PostgreSQL.

const owner = `owner_${randomBytes(8).toString('hex')}`
const backup = `backup_${randomBytes(8).toString('hex')}`
const patienceMs = 180_000
let database: TestDatabase
let directory: string
let page: string

beforeAll(async () => {
  page = await readFile(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8')
  directory = await mkdtemp(join(tmpdir(), 'fairway-dump-'))
  // PostgreSQL, which refuses root, gets to its folder in it.
  await chmod(directory, 0o711)
  // Of the server's version: what Debian has may be older.
  for (const program of ['pg_dump', 'pg_restore', 'psql']) {
    const file = join(directory, program)
    const how = `--rm -i --network host --user 0 -v ${directory}:${directory} -w ${directory} --entrypoint ${program}`
    await writeFile(file, `#!/bin/sh\nexec docker run ${how} ${POSTGRES_IMAGE} "$@"\n`)
    await chmod(file, 0o755)
  }
  database = await startTestDatabase('template0')
  await query(database.ownerUrl, `create role ${owner} login createrole password 'test'`)
  await query(database.ownerUrl, `alter database ${nameOf(database)} owner to ${owner}`)
  await migrate(as(owner), rolePasswords(database.context.sealer))
  await createOrganization(database, 'kept')
}, patienceMs)
afterAll(async () => {
  const admin = process.env.FAIRWAY_TEST_DATABASE_URL ?? ''
  await database?.close()
  for (const role of [owner, backup]) await query(admin, `drop role if exists ${role}`)
  await rm(directory, { recursive: true, force: true })
})

const nameOf = ({ ownerUrl }: TestDatabase) => new URL(ownerUrl).pathname.slice(1)
function as(role: string): string {
  const url = new URL(database.ownerUrl)
  url.username = role
  url.password = 'test'
  return url.href
}
const block = (name: string) => new RegExp(`^\`\`\`${name}\\n(.*?)\\n\`\`\`$`, 'ms').exec(page)?.[1] ?? ''
const shell = (script: string, env: Record<string, string>) =>
  run('sh', ['-ec', script], { cwd: directory, env: { PATH: `${directory}:${process.env.PATH}`, ...env } })

test(
  'the documented role and command dump all of it, and what is restored serves under the same master key',
  async () => {
    await expect(shell(block('sh dump'), { DATABASE_URL: as(owner) })).rejects.toThrow(
      'query would be affected by row-level security policy',
    )
    const role = block('sql backup-role').replaceAll('fairway_backup', backup).replace('choose-one', 'test')
    await query(database.ownerUrl, role)
    await shell(block('sh dump'), { DATABASE_URL: as(backup) })

    const data = join(directory, 'other')
    const log = createLogger('silent')
    const other = await startEmbeddedPostgres({
      dataDir: data,
      port: await freePort(),
      password: 'other',
      log,
    })
    try {
      await shell(block('sh restore'), { OWNER_URL: other.ownerUrl })
      const passwords = rolePasswords(database.context.sealer)
      const { applied, roles } = await migrate(other.ownerUrl, passwords)
      expect({ applied, notices: roles.notices }).toEqual({ applied: [], notices: [] })
      const { app, scheduler } = roleUrls(other.ownerUrl, roles.names, passwords)
      expect(await query(other.ownerUrl, 'select name from organizations')).toEqual([{ name: 'kept' }])
      expect(await query(scheduler, 'select id from organizations')).toHaveLength(1)
      expect(await query(app, 'select name from organizations')).toEqual([])
      const policies = `select tablename, policyname, cmd, qual, with_check from pg_policies order by 1, 2`
      expect(await query(other.ownerUrl, policies)).toEqual(await query(database.ownerUrl, policies))
    } finally {
      await other.stop()
    }
  },
  patienceMs,
)
