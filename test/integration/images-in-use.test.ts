import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { imagesInUse } from '../../server/operations/steps/images-in-use.ts'
import { advance } from '../../server/runs/advance.ts'
import type { BuildActions } from '../../server/runs/types.ts'
import { operationsWith } from '../support/operations-with.ts'
import {
  createOrganization,
  insert as insertAs,
  query,
  startTestDatabase,
  type TestDatabase,
} from '../support/postgres.ts'

// Which images must not be removed, asked of a real PostgreSQL.

let database: TestDatabase
let organization_id: string
let project_id: string
let branch_id: string
let environment_id: string
let run_id: string
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
  organization_id = await createOrganization(database, 'acme')
}, 60_000)
afterAll(() => database?.close())

const insert = (table: string, row: Record<string, unknown>) =>
  insertAs(database.ownerUrl, table, { organization_id, ...row })
/** A digest that one can name. */
const of = (name: string) => `sha256:${createHash('sha256').update(name).digest('hex')}`
const days = (count: number) => new Date(Date.now() + count * 24 * 3_600_000)

const createProject = () =>
  insert('projects', {
    name: `p${++projects}`,
    repository_url: 'https://example.org/acme/p.git',
    repository_slug: 'acme/p',
    branch_rules: '[]',
    webhook_secret_sealed: Buffer.alloc(1),
  })

const createEnvironment = async (name: string, more: object = {}) => {
  const stage = name === 'production' ? 'production' : 'development'
  branch_id = await insert('branches', { project_id, name, stage })
  return insert('environments', { project_id, branch_id, name, stage, ...more })
}

const createRun = (record: object, more: object = {}) =>
  insert('runs', {
    project_id,
    branch_id,
    environment_id,
    kind: 'build',
    stage: 'development',
    trigger: 'manual',
    requested_by: 'member:ana',
    status: 'succeeded',
    record: JSON.stringify(record),
    advance_at: null,
    ...more,
  })

let releases = 0
const release = async (name: string, went_live_at: Date, more: object = {}) =>
  insert('releases', {
    project_id,
    environment_id,
    run_id: await createRun({}),
    number: ++releases,
    digest: of(name),
    build_number: 1,
    deployment: '{}',
    went_live_at,
    ...more,
  })

const approve = (status: string, expires_at: Date, subject: object, about_run_id: string | null = null) =>
  insert('approvals', {
    project_id,
    environment_id,
    action: 'production-deploy',
    status,
    summary: 'x',
    subject: JSON.stringify(subject),
    subject_sha256: of(JSON.stringify(subject)).slice(7),
    requested_by: 'member:ana',
    rule: '{}',
    policy_version: 0,
    expires_at,
    about_run_id,
  })

const policy = (document: object) =>
  insert('policies', {
    project_id,
    version: 1,
    source: 'x',
    document: JSON.stringify(document),
    sha256: of('policy').slice(7),
    set_by: 'member:ana',
  })

const inUse = (): Promise<string[] | undefined> =>
  withTenant(database.context.db, operation(organization_id, 'scheduler'), (tx) =>
    imagesInUse(tx, project_id, run_id, new Date()),
  )
const expected = (...names: string[]) => names.map(of).sort()

beforeEach(async () => {
  project_id = await createProject()
  environment_id = await createEnvironment('production')
  run_id = await createRun({ digest: of('own') }, { status: 'running' })
  releases = 0
})

test('what environments serve is in use; what a destroyed one served is not', async () => {
  await createEnvironment('feature-a', { deployment: JSON.stringify({ digest: of('a') }) })
  await createEnvironment('feature-b', {
    deployment: JSON.stringify({ digest: of('b') }),
    destroyed_at: new Date(),
  })
  const other = project_id
  project_id = await createProject()
  await createEnvironment('feature-c', { deployment: JSON.stringify({ digest: of('c') }) })
  project_id = other
  expect(await inUse()).toEqual(expected('own', 'a'))
})

test('releases are in use as long as one can go back to them, or their evidence is kept', async () => {
  await policy({ rollback: { releases: 2 }, retention: { evidence: '30d' } })
  await release('oldest', days(-100))
  await release('old', days(-99))
  await release('before-last', days(-98))
  await release('last', days(-97))
  await release('current', days(-96))
  expect(await inUse()).toEqual(expected('own', 'before-last', 'last', 'current'))
  await query(
    database.ownerUrl,
    'update releases set went_live_at = now() where project_id = $1 and number = 1',
    [project_id],
  )
  expect(await inUse()).toEqual(expected('own', 'oldest', 'before-last', 'last', 'current'))
})

test('what living requests, snapshots and rehearsals are about is in use', async () => {
  const about = await createRun({ digest: of('about') })
  await approve('open', days(1), { digest: of('asked') }, about)
  await approve('approved', days(1), { digest: of('approved') })
  await approve('open', days(-1), { digest: of('expired') })
  await approve('rejected', days(1), { digest: of('rejected') })
  const host_id = await insert('hosts', { name: `h${projects}`, status: 'online' })
  const cell_id = await insert('cells', { project_id, environment_id, host_id, stage: 'development' })
  for (const [name, status] of [
    ['prepared', 'ready'],
    ['gone', 'destroyed'],
  ] as const) {
    const run = await createRun({ digest: of(name) })
    await insert('snapshots', { project_id, cell_id, host_id, purpose: 'prepared', status, run_id: run })
  }
  const rehearsal = (name: string) => ({ record: JSON.stringify({ rehearsal: { digest: of(name) } }) })
  await createRun({}, { kind: 'rehearse', finished_at: new Date(), ...rehearsal('rehearsed') })
  await createRun({}, { kind: 'rehearse', finished_at: days(-3), ...rehearsal('stale') })
  expect(await inUse()).toEqual(expected('own', 'about', 'asked', 'approved', 'prepared', 'rehearsed'))
})

test('builds under way keep what they and their candidates made; one that has not said yet keeps everything', async () => {
  const candidate = await createRun({ digest: of('candidate') })
  await createRun({ digest: of('ended') })
  await createRun({ digest: of('building') }, { status: 'running' })
  await createRun(
    {},
    { status: 'queued', kind: 'promote', input: JSON.stringify({ candidateRunId: candidate }) },
  )
  expect(await inUse()).toEqual(expected('own', 'building', 'candidate'))
  await createRun({}, { status: 'running' })
  expect(await inUse()).toBeUndefined()
})

interface CollectImages {
  readonly keepDigests: string[]
  readonly imageRepository: string
}

/** The end of a build that made an image, or did not. */
const buildOf = (imageBuilt: boolean) => async (run: BuildActions) => {
  await run.step('image', () => run.note({ digest: of('own'), image: 'x', imageBuilt, sbomSha256: '' }))
  await run.always(() => run.collectImages())
}
const play = (build: (run: BuildActions) => Promise<void>) =>
  advance(database.context, database.context.config, operationsWith(build), {
    runId: run_id,
    organizationId: organization_id,
  })
const queued = async () => {
  const host_id = await insert('hosts', { name: `h${projects}`, status: 'online' })
  await query(database.ownerUrl, "update runs set status = 'succeeded' where project_id = $1", [project_id])
  run_id = await createRun({}, { status: 'queued', host_id, advance_at: new Date() })
}
const rows = <T>(text: string) => query<T>(database.ownerUrl, text, [run_id])
const endOf = async () => (await rows('select status, warnings, record from runs where id = $1'))[0]

test('a build that made an image asks for the removal of the others, and says what is gone', async () => {
  await createEnvironment('feature-a', { deployment: JSON.stringify({ digest: of('a') }) })
  await queued()
  await play(buildOf(true))
  const [task] = await rows<{ spec: { collectImages: CollectImages } }>(
    "select spec from tasks where run_id = $1 and kind = 'collectImages'",
  )
  expect(task?.spec.collectImages.keepDigests.toSorted()).toEqual(expected('own', 'a'))
  expect(task?.spec.collectImages.imageRepository).toMatch(/\/acme\/p\d+$/)
  const output = JSON.stringify({ collectImages: { removedDigests: [of('gone')] } })
  await query(
    database.ownerUrl,
    "update tasks set status = 'succeeded', output = $2, finished_at = now() where run_id = $1",
    [run_id, output],
  )
  await play(buildOf(true))
  expect(await endOf()).toMatchObject({ status: 'succeeded', record: { collectedImages: [of('gone')] } })
})

test('what a renamed project made under former names is collected there, by the same digests', async () => {
  const [{ name }] = (await query<{ name: string }>(
    database.ownerUrl,
    'select name from projects where id = $1',
    [project_id],
  )) as [{ name: string }]
  // Of one name there never was an image.
  const [former, unused] = [`former-${name}`, `unused-${name}`]
  await query(
    database.ownerUrl,
    'insert into project_names (organization_id, project_id, name) select $1, $2, unnest($3::text[])',
    [organization_id, project_id, [former, unused, name]],
  )
  const { registry } = database.context.config
  const image = `${registry}/acme/${former}@${of('served')}`
  const served = { digest: of('served'), image }
  await createRun(served)
  await query(database.ownerUrl, 'update environments set deployment = $2 where id = $1', [
    environment_id,
    JSON.stringify(served),
  ])
  await queued()
  const asked: unknown[] = []
  for (const [index, gone] of ['gone', 'gone-before'].entries()) {
    await play(buildOf(true))
    const tasks = await rows<{ id: string; key: string; spec: { collectImages: CollectImages } }>(
      `select id, key, spec from tasks where run_id = $1 and kind = 'collectImages' order by created_at`,
    )
    const { id, key, spec } = tasks[index]!
    const { imageRepository, keepDigests } = spec.collectImages
    asked.push([key, imageRepository, keepDigests.toSorted()])
    await query(
      database.ownerUrl,
      "update tasks set status = 'succeeded', output = $2, finished_at = now() where id = $1",
      [id, JSON.stringify({ collectImages: { removedDigests: [of(gone)] } })],
    )
  }
  await play(buildOf(true))
  const kept = expected('own', 'served')
  expect(asked).toEqual([
    ['collect-images', `${registry}/acme/${name}`, kept],
    [`collect-images:${former}`, `${registry}/acme/${former}`, kept],
  ])
  expect(await endOf()).toMatchObject({
    status: 'succeeded',
    record: { collectedImages: [of('gone'), of('gone-before')] },
  })
})

test('a removal that fails is a warning, and a build that made nothing asks for none', async () => {
  await queued()
  await play(buildOf(true))
  await query(
    database.ownerUrl,
    "update tasks set status = 'failed', error = 'no registry', finished_at = now() where run_id = $1",
    [run_id],
  )
  await play(buildOf(true))
  expect(await endOf()).toMatchObject({
    status: 'succeeded',
    warnings: ['images that nothing needs any more were not removed: no registry'],
  })
  run_id = await createRun({}, { status: 'queued', advance_at: new Date() })
  await play(buildOf(false))
  expect(await endOf()).toMatchObject({ status: 'succeeded', warnings: [] })
})
