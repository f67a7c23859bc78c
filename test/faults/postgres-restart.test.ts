import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { expect, test } from 'vitest'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { createApp } from '../../server/app.ts'
import { createFileBlobs } from '../../server/blobs/store.ts'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { createLogger } from '../../server/logger.ts'
import { readMasterKey } from '../../server/master-key.ts'
import { createSealer } from '../../server/sealer.ts'
import { bootstrap } from '../../server/services/identity/bootstrap.ts'
import { createToken } from '../../server/services/tokens/tokens.ts'
import { freePort } from '../support/postgres.ts'
import { arrangeTenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

const log = createLogger('silent')

test('fault 14: while PostgreSQL restarts calls answer Unavailable, then all is as it was', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-restart-'))
  const port = await freePort()
  const startPostgres = () => startEmbeddedPostgres({ dataDir: directory, port, password: 'test', log })
  let postgres = await startPostgres()
  const config = parseConfig({ FAIRWAY_DATA_DIR: directory, DATABASE_URL: postgres.ownerUrl })
  const sealer = createSealer(readMasterKey(config))
  const db = await openControlPlaneDatabase(config, sealer, log)
  const signals = listenForSignals(db.listenUrl, () => undefined)
  const blobs = createFileBlobs(join(directory, 'blobs'))
  const context: AppContext = { config, log, db, blobs, signals, sealer }
  const app = await createApp(context, new AbortController().signal)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  try {
    const { organizationId } = await bootstrap(context)
    const tenant = await arrangeTenant(context, organizationId, 'shop')
    const token = await addToken(tenant)
    const client = createClient(
      BuildService,
      createConnectTransport({
        baseUrl: url,
        httpVersion: '1.1',
        interceptors: [
          (next) => (request) => {
            request.header.set('authorization', `Bearer ${token}`)
            return next(request)
          },
        ],
      }),
    )
    const ready = async () => (await fetch(`${url}/readyz`)).status
    const alive = async () => (await fetch(`${url}/healthz`)).status
    const start = (branch: string) => client.startBuild({ project: 'shop', branch })

    const acknowledged: number[] = []
    acknowledged.push((await start('feature/before')).build?.number ?? 0)
    expect(await ready()).toBe(200)

    // A watcher and writers are under way while it goes down.
    const watching = watch(client, acknowledged[0] ?? 0)
    const storm = Promise.allSettled(
      Array.from({ length: 30 }, (_, index) => start(`feature/storm-${index}`)),
    )
    await postgres.stop()
    const codes = new Set<Code>()
    for (const outcome of await storm) {
      if (outcome.status === 'fulfilled') acknowledged.push(outcome.value.build?.number ?? 0)
      else codes.add(ConnectError.from(outcome.reason).code)
    }
    for (let call = 0; call < 5; call++) {
      codes.add(
        await start('feature/down').then(
          () => expect.fail('a call succeeded without a database'),
          (error: unknown) => ConnectError.from(error).code,
        ),
      )
    }
    expect([...codes].map((code) => Code[code])).toEqual(['Unavailable'])
    expect(await ready()).toBe(503)
    expect(await alive()).toBe(200)
    expect(await watching).toBe(Code.Unavailable)

    postgres = await startPostgres()
    await waitFor('the server to be ready again', async () => (await ready()) === 200)
    acknowledged.push((await start('feature/after')).build?.number ?? 0)
    const { builds } = await client.listBuilds({ project: 'shop', limit: 500 })
    expect(builds.map(({ number }) => number)).toEqual(expect.arrayContaining(acknowledged))

    // The LISTEN connection is back: a watcher hears of the end by itself.
    const last = acknowledged.at(-1) ?? 0
    const again = watch(client, last)
    await client.cancelBuild({ build: { project: 'shop', number: last } })
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ status: 'cancelled', advance_at: null })
        .where('number', '=', last)
        .execute(),
    )
    expect(await again).toBe('ended')
  } finally {
    await app.close()
    await signals.close()
    await db.close()
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)

async function watch(
  client: ReturnType<typeof createClient<typeof BuildService>>,
  number: number,
): Promise<Code | 'ended'> {
  try {
    for await (const _ of client.watchBuild({ build: { project: 'shop', number } }));
    return 'ended'
  } catch (error) {
    return ConnectError.from(error).code
  }
}

async function addToken(tenant: Awaited<ReturnType<typeof arrangeTenant>>): Promise<string> {
  const { token, hash } = createToken('ft_')
  await tenant.scope(async (tx) => {
    const member = await tx.selectFrom('members').select('id').executeTakeFirstOrThrow()
    await tx
      .insertInto('tokens')
      .values({
        organization_id: tenant.organizationId,
        member_id: member.id,
        name: 'test',
        token_hash: hash,
      })
      .execute()
  })
  return token
}
