import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import { CellStage, type ResolveTask, ResolveTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { createTestServices, ownImages, registry, type TestServices } from '../support/odoo-services.ts'
import { freePort } from '../support/postgres.ts'
import { createTask } from '../support/task-context.ts'

// Modules that are in no repository of the project: which others have them, and what to write.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
let heads: Record<string, string>
let counter = 0

const addon = (path: string, depends: string[] = [], more = '') => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  server = await startGitServer()
  const contents: Record<string, Record<string, string>> = {
    'sale-flow': { ...addon('sale_x', ['web', 'web_y', 'sale_lost']), 'setup/sale_x/odoo/x': '' },
    web: { ...addon('web_y', ['web']), ...addon('web_off', [], "'installable': False") },
    fork: addon('addons/web_y', ['web']),
  }
  heads = {}
  for (const [name, files] of Object.entries(contents)) {
    const repository = await server.createRepository(`oca-${name}`)
    heads[name] = (await repository.commit(files, { branch: '19.0' })).slice(0, 10)
  }
  const old = await server.createRepository('oca-old')
  await old.commit(addon('web_old'), { branch: '14.0' })
}, 60_000)
afterAll(async () => {
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
}, 60_000)

const names = 'sale-flow, web, old, absent'
const fairway = (repositories = names, more = '') =>
  `sources:\n  oca: ${server.url}/oca-{}\n  index: { repositories: [${repositories}]${more} }\n`

async function resolve({ url }: TestRepository, input: Partial<ResolveTask> = {}) {
  const task = createTask()
  const spec = create(ResolveTaskSchema, {
    repositoryUrl: url,
    branch: 'main',
    stage: CellStage.DEVELOPMENT,
    odooVersion: '19.0',
    defaultBaseImage: `${registry}/fairway/odoo:19.0`,
    imageRules: ownImages,
    ...(input as object),
  })
  const ending = await handlers.resolve(spec, task.context).then(
    ({ closure }) => ({ closure, message: '', reason: '' }),
    ({ message, reason }: { message: string; reason: string }) => ({ closure: [], message, reason }),
  )
  return {
    ...ending,
    looked: task.artifacts.get('module-index.json'),
    lines: task.lines.map(({ text }) => text),
  }
}

const project = (files: Record<string, string>) =>
  server.createRepository(`project-${++counter}`).then(async (repository) => {
    await repository.commit(files)
    return repository
  })
const asked = (name: string) => server.requests.filter(({ path }) => path.startsWith(`/oca-${name}/`)).length

describe('a module that is missing', () => {
  test('is proposed with all that it needs in turn, once, and taken when the project says so', async () => {
    const files = { 'fairway.yaml': fairway(), ...addon('shop', ['sale_x']) }
    const shop = await project(files)
    const { message, reason, looked } = await resolve(shop)
    expect(reason).toBe('dependency-missing')
    expect(message).toContain('sale_x (needed by shop → sale_x')
    expect(message).toContain(
      `add to oca_dependencies.txt the lines \`sale-flow\` and \`web\` (sale-flow at ${heads['sale-flow']} has sale_x; web at ${heads.web} has web_y [needed by sale_x])`,
    )
    expect(message).toMatch(
      /no repository that was looked at \(3\) has sale_lost \[needed by sale_x\] \(1 could not be read, absent as .*\): check the name/,
    )
    const { repositories } = JSON.parse(looked ?? '') as { repositories: { name: string; commit: string }[] }
    expect(repositories.map(({ name, commit }) => [name, commit.slice(0, 10)])).toEqual([
      ['sale-flow', heads['sale-flow']],
      ['web', heads.web],
    ])

    // What was found holds for a while; whoever refreshes is answered anew.
    const before = asked('web')
    expect((await resolve(shop)).message).toBe(message)
    expect(asked('web')).toBe(before)
    await resolve(shop, { refresh: true })
    expect(asked('web')).toBeGreaterThan(before)

    await shop.commit({ ...files, 'oca_dependencies.txt': 'sale-flow\nweb\n', ...addon('sale_lost') })
    expect(await resolve(shop)).toMatchObject({
      closure: expect.arrayContaining(['web_y', 'sale_lost', 'sale_x', 'shop']),
      message: '',
      looked: undefined,
    })
  }, 120_000)

  test('is asked for of nobody whom the policy does not allow, whatever fairway.yaml says', async () => {
    const shop = await project({ 'fairway.yaml': fairway('web, fork'), ...addon('shop', ['web_y']) })
    const before = [asked('web'), asked('fork')]
    const none = await resolve(shop, { moduleIndex: { repositories: [] } } as object)
    expect(none).toMatchObject({ reason: 'dependency-missing', looked: undefined })
    expect(none.message).toContain('missing module: web_y')
    expect([asked('web'), asked('fork')]).toEqual(before)
    const some = await resolve(shop, {
      refresh: true,
      moduleIndex: { repositories: [`${server.url}/oca-w*`] },
    } as object)
    expect(some.message).toContain('add to oca_dependencies.txt the line `web` (web at')
    expect(asked('web')).toBeGreaterThan(before[0]!)
    expect(asked('fork')).toBe(before[1])
    expect(some.lines).toContainEqual(
      expect.stringContaining('sources.index of the policy does not allow it: fork'),
    )
  }, 60_000)

  test.each([
    [
      'repos.yaml',
      { 'repos.yaml': '# nothing yet\n' },
      (): string =>
        `add to repos.yaml the line \`./web: { remotes: { origin: "${server.url}/oca-web" }, merges: ["origin 19.0"] }\` (web at`,
    ],
    [
      "Doodba's addons.yaml",
      { 'odoo/custom/src/addons.yaml': '# nothing yet\n' },
      (): string => 'add to odoo/custom/src/addons.yaml the line `web: [web_y]` (web at',
    ],
    ['oca_dependencies.txt', {}, (): string => 'add to oca_dependencies.txt the line `web` (web at'],
  ])(
    'the line is one for %s',
    async (_file, more, said) => {
      const { message } = await resolve(
        await project({ 'fairway.yaml': fairway('web'), ...addon('shop', ['web_y']), ...more }),
      )
      expect(message).toContain(said())
    },
    60_000,
  )

  test('where two have it both are named, and what cannot be installed is said', async () => {
    const also = `web, "${server.url}/oca-fork"`
    const both = await resolve(
      await project({ 'fairway.yaml': fairway(also), ...addon('shop', ['web_y', 'web_off']) }),
    )
    expect(both.message).toContain('web_y [also in oca-fork]')
    expect(both.message).toContain('web_off [it is marked installable: False in web_off/__manifest__.py]')
    const fork = await resolve(
      await project({
        'fairway.yaml': fairway(`"${server.url}/oca-fork"`),
        ...addon('shop', ['web_y']),
      }),
    )
    expect(fork.message).toContain(
      `add to oca_dependencies.txt the line \`oca-fork ${server.url}/oca-fork 19.0\` (`,
    )
  }, 60_000)

  test('is in a newer commit of what the project names already', async () => {
    const late = await server.createRepository('oca-late')
    await late.commit(addon('late_a'), { branch: '19.0' })
    const files = { 'fairway.yaml': fairway('late'), 'oca_dependencies.txt': 'late\n' }
    const shop = await project({ ...files, ...addon('shop', ['late_a']) })
    const task = createTask()
    const spec = create(ResolveTaskSchema, {
      repositoryUrl: shop.url,
      branch: 'main',
      stage: CellStage.DEVELOPMENT,
      odooVersion: '19.0',
      defaultBaseImage: `${registry}/fairway/odoo:19.0`,
      imageRules: ownImages,
    })
    await handlers.resolve(spec, task.context)
    const lock = task.artifacts.get('lock.json') ?? ''
    await late.commit({ ...addon('late_a'), ...addon('late_b') }, { branch: '19.0' })
    await shop.commit({ ...files, ...addon('shop', ['late_b']) })
    const { message } = await resolve(shop, { lock })
    expect(message).toMatch(
      /late at .{10} has late_b, which oca_dependencies\.txt names: take the newer commit with `fairway lock --update`$/,
    )
  }, 60_000)

  test('is looked for nowhere else where the project wants none of it', async () => {
    const before = server.requests.length
    const shop = await project({
      'fairway.yaml': `sources: { oca: "${server.url}/oca-{}", index: false }\n`,
      ...addon('shop', ['web_y']),
    })
    const { message, looked } = await resolve(shop)
    expect(message).toMatch(/^missing module: web_y .*; see shop\/__manifest__\.py$/)
    expect(looked).toBeUndefined()
    expect(server.requests.slice(before).filter(({ path }) => path.startsWith('/oca-'))).toEqual([])
  }, 60_000)

  test('is not looked for in all repositories of a host that cannot be reached', async () => {
    const shop = await project({
      'fairway.yaml': `sources: { oca: "http://127.0.0.1:${await freePort()}/{}" }\n`,
      ...addon('shop', ['web_y']),
    })
    const { message, looked } = await resolve(shop)
    expect(message).toMatch(
      /\. no other repository could be asked for web_y \(\d could not be read, .*: check/,
    )
    expect(JSON.parse(looked ?? '').unread.length).toBeLessThanOrEqual(6)
  }, 60_000)
})
