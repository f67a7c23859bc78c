import { create } from '@bufbuild/protobuf'
import { Logger, makeWorkerUtils, run as runGraphile } from 'graphile-worker'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { DestroySnapshotOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createTestFleet, joinAgent } from '../support/fleet.ts'
import { type BenchPostgres, openControlPlane } from './_control-plane.ts'

/** Jobs that are durable once they are queued, and a handler that does nothing. */
export interface Queue {
  readonly name: string
  /** Resolves once the job is committed. @param index what the handler is told. */
  add(index: number): Promise<void>
  /** As many in one statement, from `first`. */
  addMany(first: number, count: number): Promise<void>
  /** How many are not recorded as done. */
  countLeft(): Promise<number>
  /** Another session of its database. */
  connect(): Promise<pg.Client>
}

/** As many as an agent has at one time. */
const concurrency = 16

export type OpenQueue = (
  postgres: BenchPostgres,
  onStart: (index: number) => void,
  open: AsyncDisposableStack,
) => Promise<Queue>

/** Of that URL, which ends with `open`. */
async function connectTo(connectionString: string, open: AsyncDisposableStack): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  open.defer(() => client.end())
  return client
}

/** From the row of a task to the handler of an agent behind the real link, with TLS, journal, log stream and result. */
export const openOurs: OpenQueue = async (postgres, onStart, open) => {
  const url = await postgres.createDatabase('ours')
  const database = await openControlPlane(url, postgres.directory, open)
  const fleet = await createTestFleet(database)
  const server = await fleet.startServer()
  open.defer(() => server.stop(1_000))
  const agent = await joinAgent(fleet, {
    port: server.port,
    handlers: {
      async destroySnapshot({ snapshotId }) {
        onStart(Number(snapshotId))
        return create(DestroySnapshotOutputSchema)
      },
    },
  })
  open.defer(() => agent[Symbol.asyncDispose]())
  const client = await connectTo(url, open)
  // One task of the link's, for a run and a step that the others are added to.
  const { id } = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: '-1' } })
  const insert = {
    name: 'insert',
    text: `with added as (
        insert into tasks (organization_id, run_id, step_id, host_id, key, kind, spec, timeout_ms, max_attempts)
        select organization_id, run_id, step_id, host_id, 'job:' || n, kind,
          jsonb_build_object('destroySnapshot', jsonb_build_object('snapshotId', n::text)), 60000, 1
        from tasks, generate_series($2::integer, $3::integer) n where id = $1 returning host_id)
      select pg_notify('fairway', 'task:' || host_id) from added limit 1`,
  }
  return {
    name: 'Fairway',
    add: async (index) => void (await client.query({ ...insert, values: [id, index, index] })),
    addMany: async (first, count) =>
      void (await client.query({ ...insert, values: [id, first, first + count - 1] })),
    async countLeft() {
      const text = `select count(*)::integer as left from tasks where status in ('queued', 'leased')`
      return (await client.query<{ left: number }>({ name: 'left', text })).rows[0]?.left ?? Number.NaN
    },
    connect: () => connectTo(url, open),
  }
}

export const openGraphile: OpenQueue = async (postgres, onStart, open) => {
  const connectionString = await postgres.createDatabase('graphile')
  const logger = new Logger(() => () => undefined)
  const runner = await runGraphile({
    connectionString,
    concurrency,
    logger,
    noHandleSignals: true,
    taskList: { job: async (payload) => onStart((payload as { index: number }).index) },
  })
  open.defer(() => runner.stop())
  const utils = await makeWorkerUtils({ connectionString, logger })
  open.defer(async () => void (await utils.release()))
  const client = await connectTo(connectionString, open)
  return {
    name: 'graphile-worker',
    add: async (index) => void (await utils.addJob('job', { index })),
    async addMany(first, count) {
      const jobs = Array.from({ length: count }, (_, n) => ({
        identifier: 'job',
        payload: { index: first + n },
      }))
      await utils.addJobs(jobs)
    },
    async countLeft() {
      const text = 'select count(*)::integer as left from graphile_worker.jobs'
      return (await client.query<{ left: number }>({ name: 'left', text })).rows[0]?.left ?? Number.NaN
    },
    connect: () => connectTo(connectionString, open),
  }
}

/** Polls, twice a second at most. */
export const openPgBoss: OpenQueue = async (postgres, onStart, open) => {
  const connectionString = await postgres.createDatabase('boss')
  const boss = new PgBoss(connectionString)
  boss.on('error', (error) => console.error('pg-boss:', error))
  await boss.start()
  open.defer(() => boss.stop({ graceful: false }))
  await boss.createQueue('job')
  await boss.work<{ index: number }>(
    'job',
    { pollingIntervalSeconds: 0.5, batchSize: concurrency },
    async (jobs) => {
      for (const { data } of jobs) onStart(data.index)
    },
  )
  const client = await connectTo(connectionString, open)
  return {
    name: 'pg-boss',
    add: async (index) => void (await boss.send('job', { index })),
    async addMany(first, count) {
      await boss.insert(
        'job',
        Array.from({ length: count }, (_, n) => ({ data: { index: first + n } })),
      )
    },
    async countLeft() {
      const text = `select count(*)::integer as left from pgboss.job where state < 'completed'`
      return (await client.query<{ left: number }>({ name: 'left', text })).rows[0]?.left ?? Number.NaN
    },
    connect: () => connectTo(connectionString, open),
  }
}
