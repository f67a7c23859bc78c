import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import type { TaskContext } from '../../agent/tasks/task.ts'
import {
  BuildImageTaskSchema,
  CellStage,
  type ResolveOutput,
  type ResolveTask,
  ResolveTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { createTestServices, ownImages, registry, type TestServices } from '../support/odoo-services.ts'
import { createTask } from '../support/task-context.ts'

// Projects whose addons are in other repositories, from a commit to a lock and an image.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
const images: string[] = []
let counter = 0

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  server = await startGitServer()
}, 60_000)

afterAll(async () => {
  const docker = services?.docker.docker
  for (const image of images) {
    const { Id } = await docker.getImage(image).inspect()
    await docker.getImage(Id).remove({ force: true })
  }
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
}, 60_000)

const addon = (path: string, depends: string[] = [], more = '') => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})

/** What Odoo installs by itself beside it is the base image's. */
const askedOf = ({ closure, autoInstalled }: ResolveOutput) =>
  closure.filter((name) => !autoInstalled.includes(name))

interface Resolved {
  output: ResolveOutput
  warnings: string[]
  lock: string
  document: Record<string, never[]>
}

async function resolve(
  { url }: { url: string },
  input: Partial<ResolveTask> = {},
  context: Partial<TaskContext> = {},
): Promise<Resolved> {
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
  const output = await handlers.resolve(spec, { ...task.context, ...context })
  const lock = task.artifacts.get('lock.json') ?? ''
  return { output, warnings: task.warnings, lock, document: JSON.parse(lock) }
}

/** A project whose default address leads to the repositories of its own test: they stand for OCA's organization. */
const oca = (...lines: string[]) => ({
  'fairway.yaml': `sources:\n  oca: ${server.url}/${ocaPrefix}{}\n`,
  'oca_dependencies.txt': `${lines.join('\n')}\n`,
})
let ocaPrefix = ''

/** The repository that OCA's `name` is in this test, with a branch for the series. */
async function createOca(name: string, files: Record<string, string>): Promise<TestRepository> {
  const repository = await server.createRepository(ocaPrefix + name)
  await repository.commit(files, { branch: '19.0' })
  return repository
}
const startCase = () => {
  ocaPrefix = `case-${++counter}-`
  return server.createRepository(`${ocaPrefix}project`)
}
const names = (output: ResolveOutput) => output.addons.map(({ name, source }) => `${source}:${name}`)

describe('oca_dependencies.txt', () => {
  test('brings in repositories, and those that they need, without making their addons own', async () => {
    const project = await startCase()
    const web = await createOca('web', addon('web_x', ['web'], "'version': '19.0.1.2.0'"))
    await createOca('sale', {
      ...addon('sale_x', ['web_x']),
      ...addon('sale_y', ['nowhere']),
      ...addon('sale_z', ['web'], "'version': '16.0.1.0.0'"),
      ...addon('odd', [], "'data': open('/etc/passwd')"),
      'oca_dependencies.txt': `# comment\nweb\nme ${project.url}.git\n`,
    })
    await project.commit({ ...oca('sale  # for orders'), ...addon('addons/shop', ['sale_x']) })
    const { output, warnings, document } = await resolve(project)
    expect(output.modules).toEqual(['shop'])
    expect(askedOf(output)).toEqual(['base', 'web', 'web_x', 'sale_x', 'shop'])
    expect(names(output)).toEqual([
      '.fairway-sources/sale:sale_x',
      '.fairway-sources/sale:sale_y',
      '.fairway-sources/sale:sale_z',
      '.fairway-sources/web:web_x',
      ':shop',
    ])
    expect(output.addons.find(({ name }) => name === 'web_x')).toMatchObject({
      path: '.fairway-sources/web/web_x',
      version: '19.0.1.2.0',
      treeId: await web.git('rev-parse', 'HEAD:web_x'),
    })
    expect(output.sources).toMatchObject([
      { path: '.fairway-sources/sale', ref: '19.0', declaredIn: 'oca_dependencies.txt:1', merges: [] },
      {
        path: '.fairway-sources/web',
        url: `${server.url}/${ocaPrefix}web`,
        commit: await web.git('rev-parse', 'HEAD'),
        declaredIn: 'sale/oca_dependencies.txt:2',
      },
    ])
    expect(warnings).toEqual([
      'sale/oca_dependencies.txt:3: me is brought in by the project itself already, which holds',
      expect.stringContaining('left out: .fairway-sources/sale/odd/__manifest__.py:1:'),
    ])
    expect(document).toMatchObject({ version: 2, apt: [], python: [], submodules: [] })
    expect(output.locked).toBe(false)
  }, 60_000)

  test('of a repository that is a submodule already nothing is brought in', async () => {
    const project = await startCase()
    const web = await createOca('web', addon('web_x', ['web']))
    await createOca('sale', { ...addon('sale_x', ['web_x']), 'oca_dependencies.txt': 'web\n' })
    const files = { ...oca('sale'), ...addon('shop', ['sale_x']) }
    await project.commit({
      ...files,
      '.gitmodules': `[submodule "web"]\n\tpath = oca/web\n\turl = ../${ocaPrefix}web\n`,
    })
    await project.git(
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${await web.git('rev-parse', 'HEAD')},oca/web`,
    )
    await project.git('commit', '-qm', 'pin')
    await project.push()
    const { output, warnings } = await resolve(project)
    expect(names(output)).toEqual(['.fairway-sources/sale:sale_x', ':web_x', ':shop'])
    expect(output.modules).toEqual(['shop', 'web_x'])
    expect(warnings).toEqual([
      'sale/oca_dependencies.txt:1: web is brought in by the submodule oca/web already, which holds',
    ])
  }, 60_000)
})

describe('a lock', () => {
  test('gives the same image again, until it is refreshed or no longer fits', async () => {
    const project = await startCase()
    const web = await createOca('web', addon('web_x', ['web']))
    await project.commit({ ...oca('web'), ...addon('shop', ['web_x']) })
    const first = await resolve(project)
    await web.commit({ ...addon('web_x', ['web']), ...addon('web_new') }, { branch: '19.0' })

    const pinned = await resolve(project, { lock: first.lock })
    expect(pinned.output).toMatchObject({ imageKey: first.output.imageKey, locked: false })
    expect(pinned.lock).toBe(first.lock)
    const unpinned = await resolve(project)
    expect(unpinned.output.imageKey).not.toBe(first.output.imageKey)
    const refreshed = await resolve(project, { lock: first.lock, refresh: true })
    expect(refreshed.output.imageKey).toBe(unpinned.output.imageKey)

    await project.commit({ ...oca('web'), ...addon('shop', ['web_x']), 'fairway.lock': first.lock })
    const committed = await resolve(project, { lock: unpinned.lock })
    expect(committed.output).toMatchObject({ imageKey: first.output.imageKey, locked: true })
    expect(committed.warnings).toEqual([])
    expect((await resolve(project, { refresh: true })).output).toMatchObject({
      imageKey: unpinned.output.imageKey,
      locked: false,
    })

    const moved = `web ${server.url}/${ocaPrefix}web feature`
    await web.commit(addon('web_x', ['web'], "'auto_install': True"), { branch: 'feature' })
    await project.commit({ ...oca(moved), ...addon('shop', ['web_x']), 'fairway.lock': first.lock })
    const anew = await resolve(project)
    expect(anew.output.sources[0]?.commit).toBe(await web.git('rev-parse', 'HEAD'))
    expect(anew.warnings).toEqual([
      expect.stringMatching(
        /^fairway\.lock: \.fairway-sources\/web is pinned for 19\.0 of .*, but oca_dependencies\.txt:1 asks for feature of .*; run `fairway lock --update`$/,
      ),
    ])
  }, 120_000)

  test('that is broken, or pins what is gone, says so', async () => {
    const project = await startCase()
    await createOca('web', addon('web_x', ['web']))
    const files = { ...oca('web'), ...addon('shop', ['web_x']) }
    await project.commit(files)
    const { lock } = await resolve(project)
    await project.commit({ ...files, 'fairway.lock': '{"version": 2, <<<' })
    await expect(resolve(project)).rejects.toMatchObject({
      reason: 'lock-invalid',
      message: expect.stringMatching(/^fairway\.lock:1:16: no JSON: /),
    })
    const pin = JSON.parse(lock).sources[0].commit
    await project.commit({ ...files, 'fairway.lock': lock.replaceAll(pin, '1'.repeat(40)) })
    await expect(resolve(project)).rejects.toMatchObject({
      reason: 'commit-missing',
      message: expect.stringMatching(
        /^oca_dependencies\.txt:1: .*it is pinned in fairway\.lock: run `fairway lock --update`$/,
      ),
    })
  }, 60_000)
})

describe("Doodba's layout", () => {
  const src = 'odoo/custom/src'
  test('is put together with a merge, and becomes an image that has it', async () => {
    const project = await startCase()
    const web = await createOca('web', { ...addon('web_x', ['web']), ...addon('web_off') })
    const first = await web.git('rev-parse', 'HEAD')
    await web.commit(
      { ...addon('web_x', ['web']), ...addon('web_off'), ...addon('web_pull', ['web_x']) },
      { branch: 'x' },
    )
    await web.git('push', '-q', 'origin', 'HEAD:refs/pull/7/head', ':refs/heads/x')
    await web.git('checkout', '-q', '-B', 'main', first)
    await web.commit(
      { ...addon('web_x', ['web'], "'summary': 'newer'"), ...addon('web_off') },
      { branch: '19.0' },
    )
    await createOca('tools', { ...addon('tool_a'), ...addon('tool_b'), ...addon('shop') })
    await project.commit({
      'fairway.yaml': `sources:\n  oca: ${server.url}/${ocaPrefix}{}\n`,
      [`${src}/repos.yaml`]: `
./odoo:
  defaults: { depth: $DEPTH_DEFAULT }
  remotes: { ocb: "https://github.com/OCA/OCB.git" }
  target: ocb $ODOO_VERSION
  merges: [ocb $ODOO_VERSION]
web:
  defaults: { depth: $DEPTH_MERGE }
  remotes: { oca: "${web.url}" }
  target: oca $ODOO_VERSION
  merges:
    - oca \${ODOO_VERSION}
    - oca refs/pull/7/head
`,
      [`${src}/addons.yaml`]: 'web: [web_x, web_p*]\n---\ntools: [tool_a, shop]\n',
      ...addon(`${src}/private/shop`, ['web_pull', 'tool_a']),
    })
    const { output, warnings } = await resolve(project)
    expect(output.modules).toEqual(['shop'])
    expect(names(output)).toEqual([
      '.fairway-sources/tools:tool_a',
      '.fairway-sources/web:web_pull',
      '.fairway-sources/web:web_x',
      ':shop',
    ])
    expect(output.sources.map(({ path, declaredIn, merges }) => [path, declaredIn, merges.length])).toEqual([
      ['.fairway-sources/web', `${src}/repos.yaml:7`, 2],
      ['.fairway-sources/tools', `${src}/addons.yaml:3`, 0],
    ])
    // That Odoo comes with the image is no news on any build.
    expect(warnings).toEqual([
      expect.stringMatching(
        /^odoo\/custom\/src\/private\/shop \(the repository\) takes the place of .*tools\/shop/,
      ),
    ])

    const input = create(BuildImageTaskSchema, {
      repositoryUrl: project.url,
      commit: output.commit,
      baseImage: output.baseImage,
      imageRules: ownImages,
      addons: output.addons,
      sources: output.sources,
      // Of its own for each run of the tests, or the registry would have it from the last one.
      imageKey: randomUUID().replaceAll('-', '').repeat(2),
      imageRepository: `${registry}/test/sources`,
    })
    // Another host, to which the merge is new.
    await rm(join(services.workDirectory, 'mirrors'), { recursive: true })
    const built = await handlers.buildImage(input, createTask().context)
    images.push(built.reference)
    expect(built.built).toBe(true)
    const [pinnedWeb, tools] = output.sources
    const changed = { ...pinnedWeb!, merges: pinnedWeb!.merges.slice(0, 1) }
    const other = create(BuildImageTaskSchema, {
      ...input,
      imageKey: 'e'.repeat(64),
      sources: [changed, tools!],
    })
    await expect(handlers.buildImage(other, createTask().context)).rejects.toMatchObject({
      reason: 'lock-mismatch',
      message: expect.stringMatching(/repos\.yaml:7: the merge gives .* is locked: resolve it again/),
    })
    const older = { ...tools!, commit: first, url: pinnedWeb!.url }
    const wrong = create(BuildImageTaskSchema, {
      ...input,
      imageKey: 'd'.repeat(64),
      sources: [pinnedWeb!, older],
    })
    await expect(handlers.buildImage(wrong, createTask().context)).rejects.toMatchObject({
      reason: 'lock-mismatch',
      message: expect.stringContaining('tool_a at .fairway-sources/tools/tool_a'),
    })
  }, 180_000)
})

describe("Doodba's other files", () => {
  const layout = (files: Record<string, string>, fairway = '') => ({
    'fairway.yaml': `sources:\n  oca: ${server.url}/${ocaPrefix}{}\n${fairway}`,
    'odoo/custom/src/addons.yaml': 'tools: [tool_a, tool_b]\n',
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`odoo/custom/${path}`, text])),
  })

  test('without modules to install that is said, with what to write', async () => {
    const project = await startCase()
    await createOca('tools', { ...addon('tool_a'), ...addon('tool_b', ['tool_a']) })
    await project.commit(layout({ 'dependencies/pip.txt': '# in the image\npsycopg2\n' }))
    const { output, warnings } = await resolve(project)
    expect(output.closure).toEqual(expect.arrayContaining(['base']))
    expect(output.modules).toEqual([])
    expect(warnings).toEqual([
      expect.stringMatching(
        /^only base is installed: .*`development: \{ modules: \[tool_a, tool_b\] \}`, likewise for the other stages$/,
      ),
    ])
    await project.commit(layout({}, 'development: { modules: [tool_b] }\n'))
    const named = await resolve(project)
    expect(named.output.closure).toEqual(expect.arrayContaining(['tool_a', 'tool_b']))
    expect(named.warnings).toEqual([])
    await project.commit(layout({}, 'development: { modules: [] }\n'))
    expect((await resolve(project)).warnings).toEqual([])
  }, 60_000)

  test.each([
    ['pip.txt', 'ok\n-e git+https://x/y', /^odoo\/custom\/dependencies\/pip\.txt:2: /],
    [
      'apt.txt',
      'curl=7.88',
      /^odoo\/custom\/dependencies\/apt\.txt:1: .*: the lock pins its version; or name odoo\/custom\/dependencies\/apt\.txt under sources\.ignore/,
    ],
  ])(
    '%s is read, and a line of it refused by its place',
    async (name, text, message) => {
      const project = await startCase()
      await createOca('tools', { ...addon('tool_a'), ...addon('tool_b') })
      await project.commit(layout({ [`dependencies/${name}`]: text }))
      await expect(resolve(project)).rejects.toMatchObject({ message: expect.stringMatching(message) })
    },
    60_000,
  )
})

describe('what does not come together', () => {
  test.each<[string, () => Record<string, string>, string, RegExp]>([
    [
      'a repository',
      () => oca('absent'),
      'repository-denied',
      /^oca_dependencies\.txt:1: .*absent cannot be read/,
    ],
    [
      'an address',
      () => oca('x file:///etc'),
      'repository-url',
      /^oca_dependencies\.txt:1: file:\/\/\/etc: only /,
    ],
    [
      'a password',
      () => oca('x https://a:b@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    [
      'a token for a user',
      () => oca('x https://t0ken@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    [
      'a user with an @',
      () => oca('x https://a@b:c@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    ['a line', () => oca('x', '../y'), 'sources-invalid', /^oca_dependencies\.txt:2: /],
    [
      'something to run',
      () => ({
        'repos.yaml': 'x:\n  remotes: {o: "https://x/y"}\n  merges: [o 1]\n  shell_command_after: id\n',
      }),
      'sources-invalid',
      /^repos\.yaml:1: `shell_command_after` is refused/,
    ],
  ])(
    '%s',
    async (_name, files, reason, message) => {
      const project = await startCase()
      await project.commit(files())
      await expect(resolve(project)).rejects.toMatchObject({
        reason,
        message: expect.stringMatching(message),
      })
    },
    60_000,
  )

  test('a branch that is not there, two of a module, and another series are named', async () => {
    const project = await startCase()
    await createOca('web', { ...addon('web_x', ['web']), ...addon('web_old', [], "'version': '16.0.1.0.0'") })
    const url = `${server.url}/${ocaPrefix}web`
    await project.commit(oca(`web ${url} nowhere`))
    await expect(resolve(project)).rejects.toMatchObject({
      reason: 'ref-missing',
      message: `oca_dependencies.txt:1: ${url} has no branch or tag nowhere: it was deleted or renamed`,
    })
    const twice = { ...oca('web'), ...addon('addons/web_x') }
    await project.commit(twice)
    await expect(resolve(project)).rejects.toMatchObject({
      reason: 'addon-duplicate',
      message: expect.stringContaining(
        `addons/web_x (the repository); .fairway-sources/web/web_x (${url}, asked for by oca_dependencies.txt:1)`,
      ),
    })
    const exclude = `${twice['fairway.yaml']}  exclude: [web/web_x]\n`
    await project.commit({ ...twice, 'fairway.yaml': exclude })
    expect(names((await resolve(project)).output)).toEqual([':web_x', '.fairway-sources/web:web_old'].sort())
    await project.commit({ ...oca('web'), ...addon('shop', ['web_old']) })
    await expect(resolve(project)).rejects.toMatchObject({
      reason: 'series-mismatch',
      message:
        'the module web_old (.fairway-sources/web/web_old/__manifest__.py) has version 16.0.1.0.0, but the project is for Odoo 19.0, needed by shop → web_old',
    })
  }, 120_000)

  test('a stage that does not close is no fault of the one that is asked for', async () => {
    const project = await startCase()
    await project.commit({
      'fairway.yaml': 'production:\n  modules: [nowhere]\nstaging:\n  modules: []\n',
      ...addon('shop', ['web']),
    })
    const { output } = await resolve(project)
    const stages = Object.fromEntries(output.stages.map(({ stage, ...rest }) => [stage, rest]))
    expect(stages[CellStage.PRODUCTION]).toMatchObject({
      modules: ['nowhere'],
      closure: [],
      error: expect.stringContaining('missing module: nowhere'),
    })
    expect(stages[CellStage.STAGING]).toMatchObject({
      modules: [],
      closure: expect.arrayContaining(['base', 'web']),
      autoInstalled: expect.arrayContaining(['web']),
      error: '',
    })
    expect(stages[CellStage.DEVELOPMENT]).toMatchObject({
      modules: ['shop'],
      closure: output.closure,
      baseModules: output.closure.filter((name) => name !== 'shop'),
    })
    await expect(resolve(project, { stage: CellStage.PRODUCTION })).rejects.toMatchObject({
      reason: 'dependency-missing',
    })
  }, 60_000)
})

test('private repositories are read with the credentials of the task, which leave nothing', async () => {
  await using hidden = await startGitServer({ basicAuth: 'deploy:s3cret-token' })
  const web = await hidden.createRepository('web')
  await web.commit(addon('web_x', ['web']), { branch: '19.0' })
  const project = await startCase()
  await project.commit({ ...oca(`web ${web.url}`), ...addon('shop', ['web_x']) })
  await expect(resolve(project)).rejects.toMatchObject({ reason: 'repository-denied' })
  const { host } = new URL(hidden.url)
  const values: Record<string, string> = {
    [`git:${host}/USERNAME`]: 'deploy',
    [`git:${host}/PASSWORD`]: 's3cret-token',
  }
  const asked: string[] = []
  const secrets: TaskContext['secrets'] = async (refs) => {
    asked.push(...refs.map(({ name }) => name))
    return Object.fromEntries(refs.map(({ name }) => [name, values[name] ?? '']))
  }
  const credentials = [...Object.keys(values), 'registry:r.example/PASSWORD'].map((name) => ({ name }))
  const { output, lock } = await resolve(project, { credentials } as Partial<ResolveTask>, { secrets })
  expect(output.closure).toContain('web_x')
  // Once for all that the task needs.
  expect(asked).toEqual(credentials.map(({ name }) => name))
  expect(lock).not.toContain('s3cret')
  expect(await readdir(join(services.workDirectory, 'tasks'))).toEqual([])
}, 60_000)
