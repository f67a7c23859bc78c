import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeHostTo, reopenHostTo } from '../../agent/containers/firewall.ts'
import { createIdentityStore } from '../../agent/link/identity.ts'
import { openLinkStore } from '../../agent/link/store.ts'
import { createPool, destroyPool } from '../../agent/storage/create-pool.ts'
import { createLayout } from '../../agent/storage/layout.ts'
import { run } from '../../packaging/dev/command.ts'
import { blocks, relocate } from '../support/install-page.ts'
import { POSTGRES_IMAGE } from '../support/storage.ts'

// The block of docs/install.md that removes a host's data, as it is typed: in a shell that goes on after what fails.

const subnet = '10.238.0.0/16'
const hostId: string = randomUUID()
const program = fileURLToPath(new URL('../../packaging/bin/fairway-agent', import.meta.url))
const identity = {
  hostId,
  hostName: 'one',
  key: 'key',
  certificate: 'certificate',
  authority: 'authority',
  servers: ['fairway.example:7443'],
  notBeforeMs: 0,
  notAfterMs: 1,
}
let root: string
const at = (path: string) => join(root, path)
const pool = () => at('var/lib/fairway/pool')
const directory = () => at('var/lib/fairway/agent')
const writeIdentity = (change: Partial<typeof identity> = {}) =>
  createIdentityStore(directory()).write({ ...identity, ...change })

/** What it said. */
const uninstall = (env: Record<string, string> = {}) =>
  run('sh', ['-c', relocate(blocks.get('agent-uninstall') ?? '', root)], {
    env: { PATH: `${at('usr/local/bin')}:${process.env.PATH}`, ...env },
  })

async function expectRefusal(said: RegExp, env: Record<string, string> = {}): Promise<void> {
  await expect(uninstall(env)).rejects.toThrow(said)
  expect(await readFile(join(pool(), 'precious'), 'utf8')).toBe('production')
  for (const path of ['var/lib/fairway/pool.img', 'opt/fairway-agent-0.1.0', 'etc/fairway/agent.env'])
    expect(existsSync(at(path)), path).toBe(true)
}

const labels = (of: Record<string, string>) =>
  Object.entries(of).flatMap(([name, value]) => ['--label', `fairway.${name}=${value}`])

async function startContainer(...options: string[]): Promise<AsyncDisposable & { readonly id: string }> {
  const quiet = ['--init', '--network', 'none', '--entrypoint', 'sleep']
  const said = await run('docker', ['run', '--detach', ...quiet, ...options, POSTGRES_IMAGE, 'infinity'])
  const id = said.trim()
  const remove = () => run('docker', ['rm', '--force', '--volumes', id])
  return { id, [Symbol.asyncDispose]: async () => void (await remove()) }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-uninstall-'))
  for (const path of ['opt/fairway-agent-0.1.0', 'etc/fairway', 'usr/local/bin', 'var/lib/fairway'])
    await mkdir(at(path), { recursive: true })
  await symlink(program, at('usr/local/bin/fairway-agent'))
  await writeFile(at('etc/fairway/agent.env'), `FAIRWAY_SUBNET=${subnet}\n`)
  await createPool({ path: pool(), loopBytes: 256 * 1024 ** 2 })
  await writeFile(join(pool(), 'precious'), 'production')
  writeIdentity()
}, 60_000)

afterAll(async () => {
  const own = ['--all', '--quiet', '--filter', `label=fairway.agent=${hostId}`]
  const left = (await run('docker', ['ps', ...own])).split('\n').filter(Boolean)
  if (left.length > 0) await run('docker', ['rm', '--force', '--volumes', ...left])
  await run('docker', ['network', 'prune', '--force', '--filter', `label=fairway.agent=${hostId}`])
  await reopenHostTo(subnet)
  if (existsSync(join(pool(), 'pool.json'))) await destroyPool(pool())
  await rm(root, { recursive: true, force: true })
}, 60_000)

test('not without an identity that says whose the containers are', async () => {
  await rm(join(directory(), 'identity.json'))
  await expectRefusal(/There is no identity/)
  for (const nobody of ['', ' ']) {
    writeIdentity({ hostId: nobody })
    await expectRefusal(/There is no identity/)
  }
  await writeFile(join(directory(), 'identity.json'), '{"hostId": "')
  await expectRefusal(/is damaged/)
  writeIdentity()
}, 60_000)

test('not while Docker does not answer, or the agent runs', async () => {
  await expectRefusal(/Docker does not answer/, { DOCKER_HOST: 'unix:///nonexistent.sock' })
  const agent = openLinkStore(directory(), 1024 ** 2)
  try {
    await expectRefusal(/still runs/)
  } finally {
    agent.close()
  }
}, 60_000)

test('not while an environment is left, with containers or without', async () => {
  const cell = randomUUID()
  {
    await using database = await startContainer(...labels({ agent: hostId, role: 'postgres', cell }))
    await expectRefusal(/Environments are left.*fairway env destroy/)
    expect(await run('docker', ['inspect', '--format', '{{.State.Running}}', database.id])).toBe('true\n')
  }
  const left = createLayout(pool()).cell(cell)
  await mkdir(left)
  await expectRefusal(new RegExp(`Environments are left.*cell ${cell}`))
  await rm(left, { recursive: true })
}, 60_000)

test('not while somebody else works on its files, in a container or on the host', async () => {
  {
    await using _ = await startContainer(
      ...labels({ agent: randomUUID(), role: 'postgres' }),
      ...['--volume', `${join(pool(), 'snapshots')}:/given:ro`],
    )
    await expectRefusal(/not this agent's work on its files/)
  }
  const file = await open(join(pool(), 'precious'))
  try {
    await expectRefusal(/could not be removed.*busy/s)
  } finally {
    await file.close()
  }
  expect(createIdentityStore(directory()).read()).toEqual(identity)
}, 60_000)

test('not the pool of another', async () => {
  await writeFile(join(directory(), 'pool-path'), '/elsewhere/pool')
  await expectRefusal(/The pool of this agent is \/elsewhere\/pool/)
  await writeFile(join(directory(), 'pool-path'), pool())
}, 60_000)

test('not without being asked for', async () => {
  const env = { FAIRWAY_AGENT_DIR: directory(), FAIRWAY_POOL: pool() }
  await expect(run(program, ['uninstall'], { env })).rejects.toThrow(/with all data.*--yes/)
})

test('environments go with their data where no server is left to destroy them, and that is said', async () => {
  const [id, cell] = [randomUUID(), randomUUID()]
  const place = at(id)
  const env = { FAIRWAY_AGENT_DIR: join(place, 'agent'), FAIRWAY_POOL: join(place, 'pool') }
  createIdentityStore(env.FAIRWAY_AGENT_DIR).write({ ...identity, hostId: id })
  await createPool({ path: env.FAIRWAY_POOL })
  await mkdir(createLayout(env.FAIRWAY_POOL).cell(cell))
  await using _ = await startContainer(
    ...labels({ agent: id, role: 'postgres', cell }),
    ...['--volume', `${createLayout(env.FAIRWAY_POOL).cell(cell)}:/given`],
  )
  await writeFile(join(env.FAIRWAY_AGENT_DIR, 'notes'), "somebody's")
  const words = ['uninstall', '--yes', '--with-environments']
  expect(await run(program, words, { env: { ...env, FAIRWAY_SUBNET: subnet } })).toMatch(
    /not the agent's: notes/,
  )
  expect(await readdir(place, { recursive: true })).toEqual(['agent', 'agent/notes'])
  const left = ['ps', '--all', '--quiet', '--filter', `label=fairway.agent=${id}`]
  expect(await run('docker', left)).toBe('')
}, 60_000)

test('after all these nothing is left of it, and others keep what is theirs', async () => {
  await using others = await startContainer(...labels({ agent: randomUUID(), role: 'postgres' }))
  await startContainer(...labels({ agent: hostId, role: 'proxy' }))
  const network = `fairway-test-${hostId}`
  await run('docker', [
    'network',
    'create',
    ...labels({ agent: hostId }),
    '--subnet',
    '10.238.0.0/28',
    network,
  ])
  await closeHostTo(subnet)
  await mkdir(join(directory(), 'work/mirrors'), { recursive: true })

  expect(await uninstall()).toMatch(/^Removed: /)
  for (const path of ['opt', 'etc/fairway', 'var/lib/fairway'])
    expect(await readdir(at(path)), path).toEqual([])
  for (const what of ['ps', 'network ls']) {
    const own = ['--quiet', '--filter', `label=fairway.agent=${hostId}`]
    expect(await run('docker', [...what.split(' '), ...own])).toBe('')
  }
  expect(await run('iptables-save', [])).not.toContain(subnet)
  expect(await run('docker', ['inspect', '--format', '{{.State.Running}}', others.id])).toBe('true\n')
}, 60_000)
