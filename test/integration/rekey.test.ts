import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../packaging/dev/command.ts'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { openAuthority } from '../../server/fleet/authority.ts'
import { openSecrets } from '../../server/governance/secrets/values.ts'
import { createLogger } from '../../server/logger.ts'
import { readMasterKey } from '../../server/master-key.ts'
import { sealedColumns } from '../../server/rekey.ts'
import { createSealer } from '../../server/sealer.ts'
import { webhookSecretLabel } from '../../server/services/projects/projects.ts'
import {
  createOrganization,
  freePort,
  query,
  startTestDatabase,
  type TestDatabase,
} from '../support/postgres.ts'
import { arrangeSecretValue } from '../support/secrets.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

// With an embedded PostgreSQL of its own: the roles' passwords follow from the key, and other tests share theirs.

const log = createLogger('silent')
const program = fileURLToPath(new URL('../../packaging/bin/fairway-server', import.meta.url))
/** Servers start and stop. */
const patienceMs = 120_000
let directory: string
let env: Record<string, string>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-rekey-'))
  env = { FAIRWAY_DATA_DIR: directory, FAIRWAY_EMBEDDED_POSTGRES_PORT: String(await freePort()) }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function open(keyFile: string): Promise<{ context: AppContext; close(): Promise<void> }> {
  const config = parseConfig({ ...env, FAIRWAY_MASTER_KEY_FILE: keyFile })
  const sealer = createSealer(readMasterKey(config))
  const db = await openControlPlaneDatabase(config, sealer, log)
  const signals = listenForSignals(db.listenUrl, () => undefined)
  const blobs = createFileBlobs(join(directory, 'blobs'))
  return {
    context: { config, log, db, blobs, signals, sealer },
    async close() {
      await signals.close()
      await db.close()
    },
  }
}

const ownerUrl = ({ sealer, config }: AppContext) =>
  `postgres://fairway_owner:${sealer.derive('postgres-owner')}@127.0.0.1:${config.embeddedPostgresPort}/fairway`

const rekey = (from: string, to: string) =>
  run(program, ['rekey', '--new-key-file', to], { env: { ...env, FAIRWAY_MASTER_KEY_FILE: from } })

test(
  'a new master key seals everything, and the former one opens nothing any more',
  async () => {
    const [former, next] = [join(directory, 'former.key'), join(directory, 'next.key')]
    const before = await open(former)
    const { fingerprint } = await openAuthority(before.context)
    const organizationId = await createOrganization(
      { ownerUrl: ownerUrl(before.context) } as TestDatabase,
      'people',
    )
    const tenant: Tenant = await arrangeTenant(before.context, organizationId, 'shop')
    await arrangeSecretValue(before.context, tenant, { name: 'API_TOKEN', value: 'kept-all-along' })

    await expect(rekey(former, next)).rejects.toThrow(/stop every server/)
    await before.close()
    expect(await rekey(former, next)).toMatch(/^3 values are sealed with the key in .*next\.key/)
    expect((await stat(next)).mode & 0o777).toBe(0o600)
    await expect(open(former)).rejects.toThrow(/The master key is not the one/)

    const { context, close } = await open(next)
    try {
      expect((await openAuthority(context)).fingerprint).toBe(fingerprint)
      const place = { projectId: tenant.projectId, environment: { name: 'x', stage: 'staging' as const } }
      const opened = await withTenant(context.db, operation(organizationId, 'test'), (tx) =>
        openSecrets(tx, context.sealer, place, [{ name: 'API_TOKEN', version: 1 }]),
      )
      expect(opened.get('API_TOKEN')).toBe('kept-all-along')
      const [project] = await query<{ id: string; webhook_secret_sealed: Buffer }>(
        ownerUrl(context),
        'select id, webhook_secret_sealed from projects',
      )
      const secret = context.sealer.open(project!.webhook_secret_sealed, webhookSecretLabel(project!.id))
      expect(secret.toString()).toBe('shop-webhook-secret')
      const events = await query(
        ownerUrl(context),
        `select from audit_events where action = 'master-key.change'`,
      )
      expect(events).toHaveLength(1)
      const unbound = await query(
        ownerUrl(context),
        `select relname from pg_class where relrowsecurity and not relforcerowsecurity and relnamespace = 'public'::regnamespace`,
      )
      expect(unbound).toEqual([])
    } finally {
      await close()
    }
  },
  patienceMs,
)

test(
  'nothing is changed when something does not open',
  async () => {
    const key = join(directory, 'next.key')
    const { context, close } = await open(key)
    const sealed = () => query(ownerUrl(context), 'select key_sealed from authority')
    const before = await sealed()
    await query(ownerUrl(context), 'update projects set webhook_secret_sealed = $1', [randomBytes(60)])
    await close()
    await expect(rekey(key, join(directory, 'third.key'))).rejects.toThrow(/authenticate data/)
    const again = await open(key)
    expect(await sealed()).toEqual(before)
    await again.close()
  },
  patienceMs,
)

test('the key’s file has to be private, and is named', async () => {
  const open = join(directory, 'open.key')
  await writeFile(open, await readFile(join(directory, 'next.key'), 'utf8'), { mode: 0o644 })
  await expect(rekey(join(directory, 'next.key'), open)).rejects.toThrow(/can be read by others/)
  const unnamed = run(program, ['rekey'], { env: { ...env } })
  await expect(unnamed).rejects.toThrow(/--new-key-file/)
})

test('every column that is sealed with the master key is known', async () => {
  const database = await startTestDatabase()
  try {
    const columns = await query<{ name: string }>(
      database.ownerUrl,
      `select table_name || '.' || column_name as name from information_schema.columns
       where table_schema = 'public' and column_name like '%\\_sealed' order by 1`,
    )
    // What data keys seal is bound to those.
    const known = [
      ...sealedColumns.map(({ table, column }) => `${table}.${column}`),
      'secret_versions.value_sealed',
    ]
    expect(columns.map(({ name }) => name)).toEqual(known.sort())
  } finally {
    await database.close()
  }
})
