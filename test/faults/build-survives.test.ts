import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startDaemon } from '../../packaging/dev/daemon.ts'
import { endProcess } from '../../packaging/dev/demo/processes.ts'
import type { Clone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { freePort } from '../support/postgres.ts'
import { cloneSmallShop, type EnvironmentShown, environmentsOf, finishedBuild } from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'

// Builds on real Odoo, with what drives them killed in the middle (faults 1 and 4, and two servers over one database).

let test: TestStack
let stack: Stack
let clone: Clone
let secondLinkPort: number

const model = 'partner_loyalty/models/res_partner.py'
const deadline = { timeout: 120_000, interval: 100 }

beforeAll(async () => {
  const links = [await freePort(), await freePort()] as const
  secondLinkPort = links[1]
  const env = { FAIRWAY_SERVERS: links.map((port) => `127.0.0.1:${port}`).join(',') }
  test = await startTestStack('faults', { env, linkPort: links[0] })
  stack = test.stack
  clone = await cloneSmallShop(stack)
  const commit = await clone.push('main')
  expect(await finishedBuild(stack, 'main', commit)).toMatchObject({ result: 'green' })
}, 300_000)
afterAll(() => test?.close(), 120_000)

interface TaskSeen {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly epoch: number
}

const tasksOf = (commit: string) =>
  test.query<TaskSeen>(
    `select t.id, t.kind, t.status, t.epoch from tasks t join runs r on r.id = t.run_id
     where r.commit = $1 order by t.created_at`,
    [commit],
  )

/** Until the agent has said that it works on that kind of task of the commit's build. */
const untilRunning = (commit: string, kind: string) =>
  vi.waitFor(async () => {
    const logged = await test.query(
      `select s.id from log_streams s join tasks t on t.id = s.task_id join runs r on r.id = t.run_id
       where r.commit = $1 and t.kind = $2 and t.status = 'leased'`,
      [commit, kind],
    )
    expect(logged, `${kind} is running`).toHaveLength(1)
  }, deadline)

const staging = async (change: string) => {
  await clone.change('release/1.0', model, (text) => `${text}\n# ${change}\n`, change)
  return clone.push('release/1.0')
}

/** Every line once: the sequences of each stream have no hole, and no line of Odoo's stands there twice. */
async function expectCompleteLog(number: number): Promise<void> {
  const lines = (await stack.cli('logs', 'shop', String(number), '--json')).trim().split('\n')
  const odoo = lines.filter((line) => (JSON.parse(line) as { source: string }).source === 'odoo')
  expect(odoo.length).toBeGreaterThan(20)
  expect(odoo.length - new Set(odoo).size).toBe(0)
  const streams = await test.query<{ told: number; last: number; covered: number }>(
    `select t.log_lines::int as told, s.last_sequence::int as last,
       coalesce(sum(g.last_sequence - g.first_sequence + 1), 0)::int as covered
     from log_streams s join tasks t on t.id = s.task_id join runs r on r.id = s.run_id
     left join log_segments g on g.stream_id = s.id
     where r.number = $1 group by s.id, t.log_lines`,
    [number],
  )
  for (const { told, last, covered } of streams) expect([last, covered]).toEqual([told, told])
}

describe('a build goes on', () => {
  it.each(['applyModules', 'cloneCell'])(
    'when the server is killed during %s, and starts nothing twice',
    async (kind) => {
      const commit = await staging(`server killed during ${kind}`)
      await untilRunning(commit, kind)
      await stack.endProcess('server', 'SIGKILL')
      await stack.startServer()
      const build = await finishedBuild(stack, 'release/1.0', commit)
      expect(build.status, build.reason).toBe('succeeded')
      for (const task of await tasksOf(commit)) expect(task).toMatchObject({ status: 'succeeded', epoch: 1 })
      await expectCompleteLog(build.number)
    },
  )

  it.each(['applyModules', 'cloneCell'])(
    'when the agent is killed during %s, and repeats no effect',
    async (kind) => {
      const production = (await environmentsOf(stack)).find(
        ({ name }) => name === 'production',
      ) as EnvironmentShown
      const commit = await staging(`agent killed during ${kind}`)
      await untilRunning(commit, kind)
      await stack.endProcess('agent', 'SIGKILL')
      await stack.startAgent()
      const build = await finishedBuild(stack, 'release/1.0', commit)
      expect(build.status, build.reason).toBe('succeeded')
      for (const task of await tasksOf(commit)) expect(task).toMatchObject({ status: 'succeeded', epoch: 1 })
      await expectCompleteLog(build.number)
      const environments = await environmentsOf(stack)
      expect(await test.cellsOnDisk()).toEqual(environments.map(({ cell }) => cell).sort())
      expect(environments).toContainEqual(production)
    },
  )
})

describe('two servers over one database', () => {
  let second: string | undefined
  afterEach(async () => {
    if (second) await endProcess(second, 'SIGTERM')
  })

  it('share the work, and one goes on when the other is killed', async () => {
    const pidFile = stack.path('second.pid')
    await startDaemon({
      program: process.execPath,
      args: [join(import.meta.dirname, '../../server/main.ts')],
      env: {
        FAIRWAY_DATA_DIR: stack.path('server'),
        DATABASE_URL: test.databaseUrl(),
        FAIRWAY_API_PORT: String(await freePort()),
        FAIRWAY_LINK_PORT: String(secondLinkPort),
      },
      logFile: stack.path('second.log'),
      pidFile,
    })
    second = pidFile
    const commit = await staging('two servers')
    await untilRunning(commit, 'applyModules')
    await stack.endProcess('server', 'SIGKILL')
    const status = () =>
      test
        .query<{ status: string }>('select status from runs where commit = $1', [commit])
        .then(([run]) => run?.status)
    await vi.waitFor(async () => expect(await status()).toBe('succeeded'), deadline)
    await stack.startServer()
    for (const task of await tasksOf(commit)) expect(task).toMatchObject({ status: 'succeeded', epoch: 1 })
  })
})
