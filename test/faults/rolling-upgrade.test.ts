import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startDaemon } from '../../packaging/dev/daemon.ts'
import { endProcess } from '../../packaging/dev/demo/processes.ts'
import { roleNames } from '../../server/db/roles.ts'
import { checkOutFormer, whyNoFormer } from '../former/checkout.ts'
import { insertRows, putBlobs, readRecording } from '../former/restore-recording.ts'
import { expectTakenOver } from '../former/take-over.ts'
import {
  freePort,
  openTestDatabase,
  query,
  startTestDatabase,
  type TestDatabase,
} from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// Two servers as processes over one database: the former one is at work while this version upgrades it, stays there, and is
// killed in the end; that of now is killed and comes back in the middle. What the agents do is played.

const missing = await whyNoFormer()
if (missing)
  console.warn(
    `no rolling upgrade: ${missing}; test/integration/recorded-runs.test.ts goes by its recorded rows`,
  )

const here = fileURLToPath(new URL('../../', import.meta.url))
const recording = readRecording()
/** One of each way: all of them are gone through in recorded-runs.test.ts. */
const cases = [...Map.groupBy(recording.cases, ({ way }) => way).values()].flatMap((runs) => runs.slice(-1))

interface ServerProcess extends AsyncDisposable {
  start(): Promise<void>
  kill(): Promise<void>
  log(): Promise<string>
}

/** Of that checkout, on that database. */
async function serverOf(checkout: string, ownerUrl: string, name: string): Promise<ServerProcess> {
  const directory = await mkdtemp(join(tmpdir(), `fairway-${name}-`))
  const [api, link] = await Promise.all([freePort(), freePort()])
  const pidFile = join(directory, 'server.pid')
  const logFile = join(directory, 'server.log')
  const kill = () => endProcess(pidFile, 'SIGKILL')
  return {
    async start() {
      const running = await startDaemon({
        program: process.execPath,
        args: [join(checkout, 'server', 'main.ts')],
        env: {
          DATABASE_URL: ownerUrl,
          FAIRWAY_MASTER_KEY: recording.masterKey,
          FAIRWAY_DATA_DIR: directory,
          FAIRWAY_API_PORT: String(api),
          FAIRWAY_LINK_PORT: String(link),
        },
        logFile,
        pidFile,
      })
      const ready = async () => {
        await running.requireAlive()
        return (await fetch(`http://127.0.0.1:${api}/readyz`).catch(() => undefined))?.ok
      }
      await waitFor(`the ${name} server is ready`, ready, 60_000)
    },
    kill,
    log: () => readFile(logFile, 'utf8'),
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(directory, { recursive: true })
    },
  }
}

/** As the servers' roles, which the master key of the recording goes with. */
async function openAsServer(ownerUrl: string): Promise<TestDatabase> {
  const [installation] = await query<{ role_suffix: string }>(
    ownerUrl,
    'select role_suffix from installation',
  )
  const database = await openTestDatabase(
    new URL(ownerUrl).pathname.slice(1),
    roleNames(installation?.role_suffix ?? ''),
    recording.masterKey,
  )
  await putBlobs(database, recording)
  return database
}

describe.skipIf(missing !== undefined)('a former server and this one over one database', () => {
  it('take over runs of every kind, the former one at work all the time and this one killed in the middle', async () => {
    const empty = await startTestDatabase('template0')
    await empty.disconnect()
    const { ownerUrl } = empty
    await using checkout = await checkOutFormer()
    await using former = await serverOf(checkout.directory, ownerUrl, 'former')
    await using now = await serverOf(here, ownerUrl, 'present')
    await former.start()
    await insertRows(ownerUrl, recording)
    await now.start()
    const database = await openAsServer(ownerUrl)
    for (const [index, run] of cases.entries()) {
      if (index % 8 === 7) {
        await now.kill()
        await now.start()
      }
      await expectTakenOver(database, run)
    }
    // It looks for runs to advance all the time, and may not see any.
    expect(await former.log()).toContain('permission denied')
    for (const server of [former, now]) await server.kill()
    await database.close()
  }, 300_000)
})
