import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { LookAtRepository } from '../../agent/look/look.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { pollingPace, startPolling } from '../../server/forges/polling/polling.ts'
import { runCli } from './cli.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from './fleet.ts'
import { type GitServer, startGitServer, type TestRepository } from './git-server.ts'
import { createTestLook } from './look.ts'
import { query } from './postgres.ts'
import { startTestServer, type TestServer } from './server.ts'
import { waitFor } from './wait-for.ts'

/** A project of its own for each test. */
export interface PolledShop {
  readonly name: string
  readonly id: string
  readonly secret: string
  readonly repository: TestRepository
}

interface PollRow {
  readonly last_at: Date | null
  readonly failures: number
  readonly next_at: Date
}

export interface PolledBuild {
  readonly branch: string
  readonly commit: string
  readonly requested_by: string
}

/** A git server that delivers nothing, and an agent that asks it: an organization of its own for each file. */
export function usePolling() {
  let server: TestServer
  let fleet: TestFleet
  let link: Fleet
  let git: GitServer
  let agent: TestAgent
  let env: Record<string, string>
  let held: PromiseWithResolvers<void> | undefined
  let asked = 0
  let shop: PolledShop
  const opened: AsyncDisposable[] = []

  beforeAll(async () => {
    pollingPace.lookEveryMs = 50
    server = await startTestServer()
    fleet = await createTestFleet(server.database)
    link = await fleet.startServer()
    env = {
      FAIRWAY_SERVER: server.url,
      FAIRWAY_TOKEN: await server.createMember(fleet.organizationId, 'ana', 'owner'),
    }
    git = await startGitServer({
      async answer({ url = '' }) {
        if (url.includes('service=git-upload-pack')) asked += 1
        await held?.promise
        return false
      },
    })
    agent = await joinAgent(fleet, { port: link.port, handlers: {}, look: createTestLook })
    await online()
  }, 120_000)
  beforeEach(async () => {
    shop = await createShop()
  })
  afterEach(async () => {
    release()
    for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
    await sql('delete from repository_polls')
  })
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await link?.stop(1_000)
    await git?.[Symbol.asyncDispose]()
    await server?.close()
  })

  const sql = <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    query<Row>(server.database.ownerUrl, text, values)
  const online = (one = agent) =>
    waitFor('the host to be online', async () => {
      const [host] = await sql<{ status: string }>('select status from hosts where id = $1', [one.hostId])
      return host?.status === 'online'
    })
  /** A host beside that of `agent`, until the test ends. */
  async function joinOther(look: (directory: string) => LookAtRepository): Promise<TestAgent> {
    const other = await joinAgent(fleet, { port: link.port, handlers: {}, look })
    opened.push({
      async [Symbol.asyncDispose]() {
        await other[Symbol.asyncDispose]()
        await sql(`update hosts set status = 'revoked' where id = $1`, [other.hostId])
      },
    })
    await online(other)
    return other
  }
  const tryCli = (...words: string[]) => runCli(words, env)
  const cliReading = (input: string, ...words: string[]) => runCli(words, env, input)
  async function cli(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await tryCli(...words)
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  /** With branches `main` and `feature/old`. */
  async function createShop(): Promise<PolledShop> {
    const name = `shop-${randomUUID().slice(0, 8)}`
    const repository = await git.createRepository(`${name}.git`)
    await repository.commit({ a: '1' })
    await repository.push('feature/old')
    const created = await cli('project', 'create', name, repository.url, '--json')
    const { id, webhookSecret: secret } = JSON.parse(created) as { id: string; webhookSecret: string }
    return { name, id, secret, repository }
  }
  const show = async () =>
    JSON.parse(await cli('project', 'show', shop.name, '--json')) as {
      poll: { error: string; lastAt: string }
    }
  function poll(): void {
    const polling = startPolling(server.context)
    opened.push({ [Symbol.asyncDispose]: () => polling.stop() })
  }
  const row = async () =>
    (
      await sql<PollRow>('select last_at, failures, next_at from repository_polls where project_id = $1', [
        shop.id,
      ])
    )[0]
  /** Polls now; resolves when that has come to an end, well or not. */
  async function polled(): Promise<void> {
    const before = await row()
    await sql('update repository_polls set next_at = now() where project_id = $1', [shop.id])
    await waitFor('the poll', async () => {
      const now = await row()
      return now?.last_at?.getTime() !== before?.last_at?.getTime() || now?.failures !== before?.failures
    })
  }
  async function begin(): Promise<void> {
    await cli('project', 'update', shop.name, '--poll', '5m')
    poll()
    await waitFor('the first poll', async () => (await row())?.last_at ?? false)
  }
  const builds = () =>
    sql<PolledBuild>(
      `select b.name as branch, r.commit, r.requested_by
       from runs r join branches b on b.id = r.branch_id
       where r.project_id = $1 and r.kind = 'build' order by r.number`,
      [shop.id],
    )
  const hook = async (branch: string, commit: string, pusher = '') => {
    const response = await fetch(`${server.url}/webhooks/git/${shop.id}`, {
      method: 'POST',
      headers: {
        'content-type': 'text/plain',
        'x-fairway-delivery': randomUUID(),
        'x-fairway-token': shop.secret,
        'x-fairway-pusher': pusher,
      },
      body: `${'0'.repeat(40)} ${commit} refs/heads/${branch}\n`,
    })
    return await response.text()
  }
  const events = (like: string) =>
    sql<{ action: string; actor: string; details: Record<string, unknown> }>(
      'select action, actor, details from audit_events where project_id = $1 and action like $2 order by id',
      [shop.id, like],
    )
  /** The git server answers nobody until it is released. */
  function hold(): void {
    held = Promise.withResolvers()
  }
  function release(): void {
    held?.resolve()
    held = undefined
  }

  return {
    server: () => server,
    organizationId: () => fleet.organizationId,
    link: () => link,
    git: () => git,
    agent: () => agent,
    shop: () => shop,
    asked: () => asked,
    opened,
    sql,
    online,
    cli,
    tryCli,
    cliReading,
    createShop,
    joinOther,
    show,
    poll,
    row,
    polled,
    begin,
    builds,
    hook,
    events,
    hold,
    release,
  }
}
