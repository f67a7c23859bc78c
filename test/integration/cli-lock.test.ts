import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli, startCli } from '../support/cli.ts'
import { answers, type Play, playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

let server: TestServer
let tenant: Tenant
let directory: string
let env: Record<string, string>

const lockWith = (sale: string, num2words: string) =>
  `${JSON.stringify(
    {
      apt: [{ name: 'libxml2', version: '2.9' }],
      base: { digest: 'sha256:abc', image: 'registry.example/odoo:19.0' },
      commit: 'c'.repeat(40),
      python: [{ hashes: ['sha256:1'], name: 'num2words', version: num2words }],
      sources: [
        { commit: sale.repeat(40), merges: [], path: 'oca/sale', ref: '19.0', url: 'https://git.example/s' },
      ],
      submodules: [],
      version: 2,
    },
    null,
    2,
  )}\n`
const before = lockWith('a', '0.5.13')
const after = lockWith('b', '0.5.14')

beforeAll(async () => {
  server = await startTestServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-cli-lock-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: directory }
  const built = await arrangeBuild(server.context, tenant, 'main')
  await playRun(server.context, tenant, built.runId, { lock: before })
})
afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})

const cli = (...words: string[]) => runCli(['lock', ...words], env)

/** `fairway lock … --update`, while an agent plays the run and leaves that lock. */
async function update(words: string[], document: string, play: Play = {}) {
  const known = new Set(await lockRuns())
  const running = startCli(['lock', 'shop', 'main', '--update', ...words], env)
  const runId = await waitFor('the run', async () => (await lockRuns()).find((id) => !known.has(id)))
  await waitFor('word of it', () => words.includes('--json') || running.stderr().includes('Resolving'))
  await playRun(server.context, tenant, runId, { ...play, lock: document })
  return await running.end
}
const lockRuns = () =>
  tenant.scope(async (tx) => {
    const rows = await tx.selectFrom('runs').select('id').where('kind', '=', 'lock').execute()
    return rows.map(({ id }) => id)
  })

test('a branch’s lock is shown as tables, as it is, and as a file', async () => {
  const shown = await cli('shop', 'main')
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(/base +registry\.example\/odoo:19\.0@sha256:abc/)
  expect(shown.stdout).toMatch(/oca\/sale +a{40} +19\.0 +https:\/\/git\.example\/s/)
  expect(shown.stdout).toMatch(/num2words +0\.5\.13 +python\nlibxml2 +2\.9 +apt/)
  expect((await cli('shop', 'main', '--json')).stdout).toBe(before)
  const file = join(directory, 'build.lock')
  expect((await cli('shop', '--build', '1', '-o', file)).code).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(before)
})

test('an update says what is pinned otherwise, and writes the file that people commit', async () => {
  const file = join(directory, 'fairway.lock')
  await writeFile(file, 'an older one')
  const { code, stdout, stderr } = await update(['-o', file], after)
  expect(code).toBe(0)
  expect(stdout).toContain(
    `repository oca/sale  ${'a'.repeat(10)} → ${'b'.repeat(10)}\npython num2words  0.5.13 → 0.5.14\n`,
  )
  expect(stderr).toMatch(/Resolving main of shop anew …\n(.*\n)*.*Committed as fairway\.lock/)
  expect(await readFile(file, 'utf8')).toBe(after)
  expect((await readdir(directory)).filter((name) => name.startsWith('fairway.lock'))).toEqual([
    'fairway.lock',
  ])
  expect((await update([], before)).stdout).toContain('Nothing is pinned otherwise than before.\n')
})

test('as JSON it is one document, and a failure has the exit code of one', async () => {
  const { code, stdout } = await update(['--json'], after)
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    commit: answers.resolve.commit,
    changes: [
      { what: 'repository', name: 'oca/sale' },
      { what: 'python', before: '0.5.13', after: '0.5.14' },
    ],
    document: { version: 2 },
  })
  const failure = { status: 'failed', reason: 'branch-missing', error: 'there is no such branch' } as const
  const file = join(directory, 'never.lock')
  const failed = await update(['-o', file], after, { failures: { resolve: failure } })
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('there is no such branch. Its logs: fairway logs ')
  await expect(readFile(file)).rejects.toThrow('ENOENT')
})

test.each([
  [['shop'], 2, /Name a branch, or a build/],
  [['shop', 'main', '--build', '1'], 2, /Name a branch, or a build/],
  [['shop', '--build', 'x'], 2, /no build’s number/],
  [['shop', '--update'], 2, /Name the branch/],
  [['shop', 'main', '--update', '--timeout', '1s'], 7, /it goes on/],
  [['shop', 'unheard-of'], 3, /fairway lock shop unheard-of --update/],
  [['shop', '--build', '99'], 3, /no build/],
  [['shop', 'nowhere', '--update'], 5, /No rule of shop/],
])('%j ends with %d', async (words, code, why) => {
  const refused = await cli(...words)
  expect(refused.code).toBe(code)
  expect(refused.stderr).toMatch(why)
})
