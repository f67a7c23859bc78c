import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseConfig } from '../../server/config.ts'
import { openDatabases } from '../../server/db/databases.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { requireBoundRoles } from '../../server/db/guard.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { openAuthority } from '../../server/fleet/authority.ts'
import { createLogger } from '../../server/logger.ts'
import { createSealer } from '../../server/sealer.ts'
import { freePort, query, startTestDatabase } from '../support/postgres.ts'

const log = createLogger('silent')
const sealer = createSealer(randomBytes(32))

describe('the embedded PostgreSQL', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairway-embedded-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('keeps its data, and is taken over where a killed server left it running', async () => {
    const options = { dataDir: directory, port: await freePort(), password: 'p', log }
    const first = await startEmbeddedPostgres(options)
    await query(first.ownerUrl, 'create table kept as select 42 as answer')
    const [before] = await query<{ started: Date }>(
      first.ownerUrl,
      'select pg_postmaster_start_time() as started',
    )
    // The first server is gone without a word; the second finds its PostgreSQL.
    const second = await startEmbeddedPostgres(options)
    const [after] = await query<{ started: Date }>(
      second.ownerUrl,
      'select pg_postmaster_start_time() as started',
    )
    expect(after).toEqual(before)
    await second.stop()
    await expect(query(second.ownerUrl, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    const third = await startEmbeddedPostgres(options)
    expect(await query(third.ownerUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
    await third.stop()
  })

  it('says which setting to change when its port is taken', async () => {
    const taken = new URL(process.env.FAIRWAY_TEST_DATABASE_URL as string).port
    const dataDir = join(directory, 'other')
    await expect(startEmbeddedPostgres({ dataDir, port: Number(taken), password: 'p', log })).rejects.toThrow(
      /FAIRWAY_EMBEDDED_POSTGRES_PORT/,
    )
  })
})

describe('the master key', () => {
  it('has to be that of earlier starts, and a wrong one changes nothing', async () => {
    const database = await startTestDatabase()
    try {
      await openAuthority(database.context)
      const wrong = openControlPlaneDatabase(database.context.config, sealer, log)
      await expect(wrong).rejects.toThrow(/The master key is not the one that this database was set up with/)
      // The roles' passwords are still those of the right key.
      const right = await openControlPlaneDatabase(database.context.config, database.context.sealer, log)
      await right.close()
    } finally {
      await database.close()
    }
  })

  it('is missed as plainly by the embedded PostgreSQL, which does not stay behind', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'fairway-embedded-'))
    const config = parseConfig({
      FAIRWAY_DATA_DIR: dataDir,
      FAIRWAY_EMBEDDED_POSTGRES_PORT: String(await freePort()),
    })
    try {
      const first = await openControlPlaneDatabase(config, sealer, log)
      await first.close()
      const wrong = openControlPlaneDatabase(config, createSealer(randomBytes(32)), log)
      await expect(wrong).rejects.toThrow(/The master key is not the one/)
      const again = await openControlPlaneDatabase(config, sealer, log)
      await again.close()
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

describe('a PostgreSQL of one’s own', () => {
  const docker = new Docker()
  let container: Docker.Container
  let ownerUrl: string

  beforeAll(async () => {
    const port = await freePort()
    container = await docker.createContainer({
      Image: '127.0.0.1:5000/fairway/postgres:18',
      Env: ['POSTGRES_USER=owner', 'POSTGRES_PASSWORD=secret', 'POSTGRES_DB=fairway'],
      HostConfig: { PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
    })
    await container.start()
    ownerUrl = `postgres://owner:secret@127.0.0.1:${port}/fairway`
    await vi.waitFor(() => query(ownerUrl, 'select 1'), { timeout: 30_000, interval: 100 })
  })
  afterAll(() => container?.remove({ force: true, v: true }))

  it('is migrated by DATABASE_URL, by two servers at once, and served by bound roles', async () => {
    const config = parseConfig({ DATABASE_URL: ownerUrl })
    const [one, two] = await Promise.all([
      openControlPlaneDatabase(config, sealer, log),
      openControlPlaneDatabase(config, sealer, log),
    ])
    await one.close()
    await expect(requireBoundRoles(two)).resolves.toBeUndefined()
    await two.close()
  })

  it('is refused with a role that row-level security does not bind', async () => {
    const unbound = openDatabases({ app: ownerUrl, scheduler: ownerUrl }, () => undefined)
    await expect(requireBoundRoles(unbound)).rejects.toThrow(/can bypass row-level security/)
    await unbound.close()
  })
})
