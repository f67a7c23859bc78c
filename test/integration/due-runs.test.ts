import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../server/app.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { listDueRuns } from '../../server/runs/due-runs.ts'
import { startScheduler } from '../../server/runs/scheduler.ts'
import type { BuildActions } from '../../server/runs/types.ts'
import { listHosts } from '../../server/services/hosts/hosts.ts'
import { outageOf } from '../../server/services/outage.ts'
import { operationsWith } from '../support/operations-with.ts'
import { useEngine } from '../support/use-engine.ts'
import { waitFor } from '../support/wait-for.ts'

const engine = useEngine()
const { asOwner, context, createEnvironment, createRun, advanceRun, runOf, set, insert } = engine

const oneTask = (run: BuildActions) => run.step('database', async () => run.createCell(await run.newCell()))
/** Needs no leave, in production either. */
const fetching = (run: BuildActions) => run.step('image', () => run.fetchImage('runtime', 'registry/odoo'))
const dueNow = () => listDueRuns(context().db, [])
const idsOf = (rows: readonly { runId: string }[]) => rows.map(({ runId }) => runId)

/** Has the rows to itself until it is let go of. */
async function holding<T>(statement: string, values: unknown[], work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: context().config.databaseUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query(statement, values)
    return await work()
  } finally {
    await client.end()
  }
}

describe('servers side by side', () => {
  const passedOver = (runId: string) => advanceRun(runId, oneTask, 'unless-busy')

  it('pass over a run that another one is at, and do not wait for it', async () => {
    const [taken, free] = [
      await createRun(await createEnvironment()),
      await createRun(await createEnvironment()),
    ]
    await holding('select from runs where id = $1 for update', [taken], async () => {
      expect(await passedOver(taken)).toBe(false)
      expect(await passedOver(free)).toBe(true)
    })
    expect(await passedOver(taken)).toBe(true)
  })

  it('pass over a run that is not admitted while somebody is at its project', async () => {
    const at = await createEnvironment()
    const runId = await createRun(at)
    await holding('select from projects where id = $1 for update', [at.projectId], async () => {
      expect(await passedOver(runId)).toBe(false)
    })
    expect(await runOf(runId)).toMatchObject({ status: 'queued' })
  })

  it('leave alone what another one has just advanced', async () => {
    const runId = await createRun(await createEnvironment())
    expect(await passedOver(runId)).toBe(true)
    expect(await passedOver(runId)).toBe(false)
  })

  it('are not kept waiting by what only refers to the run', async () => {
    const runId = await createRun(await createEnvironment())
    await holding('select from runs where id = $1 for key share', [runId], async () => {
      expect(await passedOver(runId)).toBe(true)
    })
  })
})

describe('a server of before schemas were compared', () => {
  it('finds nothing to advance, while whatever it makes due is found by the others', async () => {
    const runId = await createRun(await createEnvironment())
    await expect(
      context()
        .db.scheduler.selectFrom('runs')
        .select('id')
        .where('advance_at', '<=', sql<Date>`now()`)
        .execute(),
    ).rejects.toMatchObject({ code: '42501' })
    expect(idsOf(await dueNow())).toContain(runId)
    await set('runs', `advance_at = now() + interval '1 hour'`, runId)
    expect(idsOf(await dueNow())).not.toContain(runId)
    await set('runs', `advance_at = now()`, runId)
    expect(idsOf(await dueNow())).toContain(runId)
    await set('runs', `advance_at = null`, runId)
    expect(idsOf(await dueNow())).not.toContain(runId)
  })
})

describe('schedulers side by side', () => {
  it('advance what is due while one run is somebody else’s, each once', async () => {
    await asOwner(`update runs set advance_at = null where advance_at is not null`)
    const runs: string[] = []
    for (let count = 0; count < 6; count++) runs.push(await createRun(await createEnvironment()))
    const [taken, ...free] = runs
    const schedulers = () => [1, 2].map(() => startScheduler(context(), operationsWith(oneTask)))
    const begun = async (ids: readonly string[]) => {
      const rows = await asOwner(`select id from runs where id = any ($1) and status = 'running'`, [ids])
      return rows.length === ids.length
    }
    let running: ReturnType<typeof schedulers> = []
    try {
      await holding('select from runs where id = $1 for update', [taken], async () => {
        running = schedulers()
        await waitFor('the others to begin', () => begun(free))
        expect(await runOf(taken!)).toMatchObject({ status: 'queued' })
      })
      await waitFor('it to begin as well', () => begun(runs))
    } finally {
      await Promise.all(running.map((scheduler) => scheduler.stop()))
    }
    const tasks = await asOwner('select run_id from tasks where run_id = any ($1)', [runs])
    expect(tasks).toHaveLength(6)
  })
})

describe('what is due first', () => {
  it('is production under way, then what is under way, then what waits; each project in turn', async () => {
    await asOwner(`update runs set advance_at = now() + interval '1 hour' where advance_at is not null`)
    const [a, b] = [await createEnvironment(), await createEnvironment()]
    const due = (minutes: number) => new Date(Date.now() - minutes * 60_000)
    const first = await createRun(a, { advance_at: due(9) })
    const second = await createRun(a, { advance_at: due(8) })
    const other = await createRun(b, { advance_at: due(1) })
    const running = await createRun(b, { advance_at: due(2), status: 'running' })
    const production = await createRun(b, { advance_at: due(1), status: 'running', stage: 'production' })
    expect(idsOf(await dueNow())).toEqual([production, running, first, other, second])
    expect(idsOf(await listDueRuns(context().db, [production, first]))).toEqual([running, second, other])
  })
})

describe('a run that the server cannot advance', () => {
  /** Comes as far as the run has come. */
  const odd = (code: string) => async (run: BuildActions) => {
    await oneTask(run)
    throw Object.assign(new Error('a disk says no'), { code })
  }
  const tryAll = async (runId: string, times: number, code: string) => {
    for (let time = 0; time < times; time++) {
      await advanceRun(runId, odd(code)).catch((error: unknown) => expect(error).toMatchObject({ code }))
    }
  }

  it('is left alone for longer and longer, and says why', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, oneTask)
    await engine.succeed(runId, 'create', { createCell: {} })
    await tryAll(runId, 4, 'EODD')
    const run = await runOf(runId)
    expect(run).toMatchObject({ setbacks: 4, setback: 'a disk says no', finished_at: null })
    expect(Number(run?.advance_at)).toBeGreaterThan(Date.now() + 5_000)
    await advanceRun(runId, oneTask)
    expect(await runOf(runId)).toMatchObject({ setbacks: 0, setback: '', status: 'succeeded' })
  })

  it('comes upon a fault when that does not end', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, oneTask)
    await engine.succeed(runId, 'create', { createCell: {} })
    await set('runs', 'setbacks = 18', runId)
    await tryAll(runId, 1, 'EODD')
    expect(await runOf(runId)).toMatchObject({ status: 'running', setbacks: 19 })
    await tryAll(runId, 1, 'EODD')
    // What comes of a fault is the engine's: see run-engine.test.ts.
    const faults = await asOwner(`select value from effects where run_id = $1 and key = 'fault'`, [runId])
    expect(JSON.stringify(faults)).toContain('a disk says no')
    expect(await runOf(runId)).toMatchObject({ setbacks: 0 })
  })

  it.each(['57014', '40P01', '40001'])(
    'says so where the database is slow or busy for long, and goes on as it was: %s',
    async (code) => {
      const runId = await createRun(await createEnvironment())
      await advanceRun(runId, oneTask)
      await engine.succeed(runId, 'create', { createCell: {} })
      await set('runs', 'setbacks = 19', runId)
      await tryAll(runId, 1, code)
      expect(await runOf(runId)).toMatchObject({
        status: 'running',
        trouble: { kind: 'fault', error: expect.stringContaining('a disk says no') },
      })
      await advanceRun(runId, oneTask)
      expect(await runOf(runId)).toMatchObject({ status: 'succeeded', trouble: null })
    },
  )

  it.each(['ENOSPC', '53100', '55P03', '57P01'])(
    'waits for as long as it takes where it is %s',
    async (code) => {
      const runId = await createRun(await createEnvironment())
      await advanceRun(runId, oneTask)
      await engine.succeed(runId, 'create', { createCell: {} })
      await set('runs', 'setbacks = 100', runId)
      await tryAll(runId, 1, code)
      expect(await runOf(runId)).toMatchObject({ status: 'running', setbacks: 101 })
    },
  )
})

describe('time', () => {
  it('of a run does not count once it has production', async () => {
    const at = await createEnvironment(undefined, 'main', 'production')
    const runId = await createRun(at, { stage: 'production' })
    await advanceRun(runId, fetching)
    await insert('cells', {
      organization_id: engine.organizationId(),
      project_id: at.projectId,
      environment_id: at.environmentId,
      host_id: engine.hostId(),
      stage: 'production',
      held_by: runId,
    })
    await set('runs', `timeout_at = now() - interval '1 hour'`, runId)
    await advanceRun(runId, fetching)
    expect(await runOf(runId)).toMatchObject({ cancel_cause: null })
    await asOwner('update cells set held_by = null where held_by = $1', [runId])
    await advanceRun(runId, fetching)
    expect(await runOf(runId)).toMatchObject({ cancel_cause: 'timeout' })
  })

  it('is limited for every statement and every lock', async () => {
    const { db } = context()
    const shown = sql<{ limits: string }>`select current_setting('lock_timeout') || ' ' ||
      current_setting('statement_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout') as limits`
    const limits = { rows: [{ limits: '10s 1min 1min' }] }
    const op = operation(engine.organizationId(), 'scheduler')
    expect(await withTenant(db, op, (tx) => shown.execute(tx))).toMatchObject(limits)
    for (const pool of [db.app, db.scheduler]) expect(await shown.execute(pool)).toMatchObject(limits)
  })

  it.each(['55P03', '57014', '25P03'])('is said to be up in words of its own (%s)', (code) => {
    expect(outageOf({ code })).toMatchObject({ reason: 'database-busy' })
  })
})

describe('admission', () => {
  it('has as many runs of a project at one time as the configuration says, beside those of production', async () => {
    const { projectId } = await createEnvironment()
    for (const name of ['b', 'c', 'd']) {
      await advanceRun(await createRun(await createEnvironment(projectId, name)), oneTask)
    }
    const fourth = await createRun(await createEnvironment(projectId, 'e'))
    await advanceRun(fourth, oneTask)
    expect(await runOf(fourth)).toMatchObject({
      status: 'queued',
      reason: 'waiting: 3 runs of the project are under way',
    })
    const production = await createRun(await createEnvironment(projectId, 'main', 'production'), {
      stage: 'production',
    })
    await advanceRun(production, fetching)
    expect(await runOf(production)).toMatchObject({ status: 'running' })
  })

  it('waits for an agent that can do what the run needs', async () => {
    const at = await createEnvironment()
    const runId = await createRun(at, { kind: 'build' })
    const say = (capabilities: string) =>
      asOwner(`update hosts set capabilities = $1, agent_version = '0.0.9'`, [capabilities])
    await say('{resolve}')
    await advanceRun(runId, oneTask)
    const { status, reason } = (await runOf(runId))!
    expect(status).toBe('queued')
    expect(reason).toMatch(
      /^waiting for host one: its agent 0\.0\.9 cannot do buildImage, .* yet: upgrade it/,
    )
    const owner = { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] } as const
    const caller = { ...operation(engine.organizationId(), 'member:ana'), access: owner }
    const [host] = await listHosts(context(), caller)
    expect(host?.advice).toMatch(
      /^Its agent 0\.0\.9 cannot do buildImage, .* yet: upgrade it to the server's version\./,
    )
    await say('{}')
    await advanceRun(runId, oneTask)
    expect(await runOf(runId)).toMatchObject({ status: 'running' })
  })
})

describe('a database that a newer server has changed', () => {
  it('is left alone by an older one', async () => {
    const runId = await createRun(await createEnvironment())
    const app = await createApp(context(), new AbortController().signal)
    const readiness = async () => {
      const { statusCode, body } = await app.inject('/readyz')
      return `${statusCode} ${body}`
    }
    expect(await readiness()).toBe('200 {"status":"ready"}')
    await asOwner(`insert into schema_migrations (name, sha256) values ('9999-later.sql', '')`)
    try {
      expect(await readiness()).toMatch(
        /^503 .*migrations that this server does not know \(9999-later\.sql\)/,
      )
      expect(await dueNow()).toEqual([])
      expect(await advanceRun(runId, oneTask, 'unless-busy')).toBe(false)
    } finally {
      await asOwner(`delete from schema_migrations where name = '9999-later.sql'`)
    }
    expect(idsOf(await dueNow())).toContain(runId)
  })
})
