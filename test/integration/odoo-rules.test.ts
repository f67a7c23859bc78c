import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import { TaskError } from '../../agent/tasks/task.ts'
import { type BaseDocument, parseBaseDocument } from '../../lib/repository/base-document.ts'
import { CellStage, ResolveTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { checkOf } from '../support/check-of.ts'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { createImageProject } from '../support/image-project.ts'
import { createTestServices, ownImages, registry, type TestServices } from '../support/odoo-services.ts'
import { startPythonIndex } from '../support/python-index.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

// What Odoo makes of a repository's modules, said when a commit is resolved: on the real task, with the modules of the
// real base image.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
let base: BaseDocument | undefined
let counter = 0

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  server = await startGitServer()
  const task = createTask()
  await handlers.resolve(specOf(await repositoryOf(module('first'))), task.context)
  base = parseBaseDocument(task.artifacts.get('base-image.json') ?? '')
}, 60_000)

afterAll(async () => {
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
}, 60_000)

type Files = Record<string, string>
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'7'.repeat(64)}\nsize 12345\n`
const module = (path: string, version = '19.0.1.0.0', depends: string[] = ['base'], more = ''): Files => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'version': '${version}', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})
const own = (path: string, more: string, depends?: string[]) => module(path, undefined, depends, more)
const fairway = (text: string): Files => ({ 'fairway.yaml': text })
const onlyOther = fairway('development: { demo: false, tests: false, modules: [other] }\n')

const specOf = ({ url }: { url: string }) =>
  create(ResolveTaskSchema, {
    repositoryUrl: url,
    branch: 'main',
    stage: CellStage.DEVELOPMENT,
    odooVersion: '19.0',
    defaultBaseImage: `${registry}/fairway/odoo:19.0`,
    imageRepository: `${registry}/test/rules`,
    imageRules: ownImages,
  })

/** On a host; `fairway check` has to say the same of the working copy. */
async function resolve(repository: TestRepository, task: RecordedTask = createTask()) {
  try {
    const output = await handlers.resolve(specOf(repository), task.context)
    await expectSameOfCheck(repository, task.warnings)
    return { output, warnings: task.warnings }
  } catch (error) {
    if (error instanceof TaskError) await expectSameOfCheck(repository, task.warnings, error)
    throw error
  } finally {
    const said = [...task.warnings, ...task.lines.map(({ text }) => text)]
    expect(said.filter((text) => text.includes(services.directory))).toEqual([])
  }
}

async function expectSameOfCheck(
  { git }: TestRepository,
  warnings: readonly string[],
  error?: TaskError,
): Promise<void> {
  // Sources are not fetched by a check, and what they bring is not seen.
  if ((await git('ls-files')).includes('oca_dependencies.txt')) return
  const { said } = await checkOf(await git('rev-parse', '--show-toplevel'), base, '19.0')
  const [first] = said('error', 'development')
  // Nor is anybody asked who has a missing module; packages are resolved where the image is.
  if (error?.reason === 'dependency-missing') expect(error.message.startsWith(first ?? 'nothing')).toBe(true)
  else expect(first).toBe(error?.reason.startsWith('python-') ? undefined : error?.message)
  expect(said('warning', 'development')).toEqual(expect.arrayContaining([...warnings]))
}

async function repositoryOf(files: Files, name = `case-${++counter}`): Promise<TestRepository> {
  const repository = await server.createRepository(name)
  await repository.commit(files)
  return repository
}

/** Reason and message of a commit that does not resolve. */
async function refusal(files: Files): Promise<{ reason: string; message: string }> {
  const error = await resolve(await repositoryOf(files)).then(
    () => expect.fail('it was resolved'),
    (error: { reason: string; message: string }) => error,
  )
  expect(error.message).not.toContain(services.directory)
  return error
}

const refused: [what: string, files: Files, reason: string, message: string][] = [
  [
    'a version that is only the series',
    { ...module('till_terminal', '19.0'), ...module('till_other') },
    'manifest-invalid',
    'the module till_terminal (till_terminal/__manifest__.py) has version 19.0, which is only the series: Odoo 19.0 makes such a module uninstallable (`check_version`)',
  ],
  [
    'a version that stops Odoo, of a module that nobody installs',
    { ...onlyOther, ...module('other'), ...module('misc_one', '1') },
    'manifest-invalid',
    'misc_one/__manifest__.py: has version "1": Odoo 19.0 stops on it while it reads all manifests',
  ],
  [
    'a module of another series that is needed',
    { ...module('yard', '18.0.1.0.0'), ...module('other', '19.0.1.0.0', ['yard']) },
    'series-mismatch',
    'yard (yard/__manifest__.py) has version 18.0.1.0.0, but the project is for Odoo 19.0, needed by other → yard',
  ],
  [
    'auto_install beside depends',
    own('a', "'auto_install': ['sale']"),
    'manifest-invalid',
    'a/__manifest__.py: `auto_install` names "sale", which is not in `depends`: Odoo 19.0 stops',
  ],
  [
    'depends that is a string',
    { 'a/__manifest__.py': "{'name': 'x', 'depends': 'base'}", 'a/__init__.py': '' },
    'manifest-invalid',
    '`depends` is a string, whose letters Odoo takes for modules',
  ],
  [
    'a data file that is not there',
    own('a', "'data': ['views/b.xml', '../other/c.xml']"),
    'data-missing',
    'a/__manifest__.py names "views/b.xml", which is not there: Odoo stops',
  ],
  [
    'a data file of an odd kind',
    { ...own('a', "'data': ['b.yml']"), 'a/b.yml': '' },
    'data-missing',
    '"b.yml", which is of no kind that it loads',
  ],
  [
    'modules that exclude each other',
    { ...own('a', "'excludes': ['web']"), ...module('b', undefined, ['web']) },
    'modules-exclude',
    'the modules a and web exclude each other (`excludes` in a/__manifest__.py), and both would be installed: a; b → web',
  ],
  [
    'a module that installs itself and cannot',
    {
      ...onlyOther,
      ...module('other', undefined, ['web']),
      ...own('a', "'auto_install': ['web']", ['web', 'gone']),
    },
    'dependency-missing',
    'gone (needed by a → gone)',
  ],
  [
    'the only addon without an __init__.py',
    { 'a/__manifest__.py': "{'name': 'x'}" },
    'manifest-invalid',
    'a/__manifest__.py has no __init__.py beside it',
  ],
  [
    'a manifest that nobody can read',
    { 'a/__init__.py': '', 'a/__manifest__.py': "{'name': 'A' 'depends': []}" },
    'manifest-invalid',
    'a/__manifest__.py:1:',
  ],
  [
    'data that Git LFS has',
    { ...own('a', "'data': ['b.xml']"), 'a/b.xml': pointer },
    'data-missing',
    'a/__manifest__.py names "b.xml", which is a pointer of Git LFS, not the file itself; commit the file to git (git lfs migrate export): Odoo stops',
  ],
  [
    'code that Git LFS has',
    { ...module('a'), 'a/__init__.py': pointer },
    'data-missing',
    'a/__init__.py is a pointer of Git LFS',
  ],
  [
    'a manifest that Git LFS has',
    { ...module('a'), 'b/__manifest__.py': pointer },
    'manifest-invalid',
    'b/__manifest__.py: is a pointer of Git LFS',
  ],
  ['settings that Git LFS has', fairway(pointer), 'config-invalid', 'fairway.yaml is a pointer of Git LFS'],
  [
    'a module in a folder that cannot be one',
    { ...module('a', undefined, ['my_mod']), ...module('my-mod') },
    'dependency-missing',
    'my_mod (needed by a → my_mod; left out: my-mod/__manifest__.py: "my-mod" is no module name',
  ],
  [
    'a Python package of a module that comes by itself',
    {
      ...onlyOther,
      ...module('other'),
      ...own('a', "'auto_install': True, 'external_dependencies': {'python': ['acme']}", ['other']),
    },
    'python-unnamed',
    'the line acme if that is its name on the index; Odoo installs a by itself with other. No',
  ],
]

test.each(refused)(
  '%s is refused',
  async (_, files, reason, message) => {
    expect(await refusal(files)).toMatchObject({ reason, message: expect.stringContaining(message) })
  },
  60_000,
)

test('modules that are not migrated are left alone, and said', async () => {
  const files = {
    ...module('yard_base'),
    ...module('yard_gate', '18.0.2.1.0', ['yard_base']),
    ...module('yard_scale', '18.0.1.0.0', ['yard_gone'], "'installable': False"),
    'plain/__manifest__.py': "{'name': 'x'}",
  }
  const { output, warnings } = await resolve(await repositoryOf(files))
  expect(output.modules).toEqual(['plain', 'yard_base'])
  expect(warnings).toEqual([
    'not installed: yard_gate/__manifest__.py has version 18.0.2.1.0, but the project is for Odoo 19.0',
  ])
  expect(output.addons.find(({ name }) => name === 'yard_gate')).toMatchObject({ installable: false })
}, 60_000)

test('a folder that looks like an addon is left out with the reason', async () => {
  const files = {
    ...module('bin_count'),
    'scaffold/{{ module_name }}/__init__.py': '',
    'scaffold/{{ module_name }}/__manifest__.py': '{ {% if x %} }',
  }
  const { output, warnings } = await resolve(await repositoryOf(files))
  expect(output.modules).toEqual(['bin_count'])
  expect(warnings).toEqual([
    'left out: scaffold/{{ module_name }}/__manifest__.py: its path is that of a template for new modules; set addons_paths in fairway.yaml to the folders that hold addons',
  ])
}, 60_000)

test('what others have that installs itself comes in, or is left out where it cannot', async () => {
  const toolbox = await server.createRepository('toolbox')
  const files = {
    ...module('tool_base'),
    ...own('tool_report', "'auto_install': True", ['tool_base']),
    ...own('tool_enterprise', "'auto_install': ['tool_base']", ['tool_base', 'nowhere']),
    ...own('tool_swiss', "'auto_install': True, 'countries': ['ch']", ['tool_base']),
    ...module('tool_one', '1'),
  }
  await toolbox.commit(files, { branch: '19.0' })
  const task = createTask()
  const project = await repositoryOf({
    'oca_dependencies.txt': `toolbox ${toolbox.url}\n`,
    ...module('shop', undefined, ['tool_base']),
  })
  const { output, warnings } = await resolve(project, task)
  const { closure, autoInstalled } = output
  expect(closure.filter((name) => !output.baseModules.includes(name))).toEqual([
    'tool_base',
    'shop',
    'tool_report',
  ])
  expect(autoInstalled).toEqual(expect.arrayContaining(['tool_report', 'web']))
  // Also what nobody wants.
  expect(output.imageModules).toEqual(expect.arrayContaining(['base', 'crm']))
  expect(output.addons.map(({ name }) => name)).not.toContain('tool_enterprise')
  expect(warnings).toEqual([
    expect.stringMatching(/^left out: tool_one\/__manifest__.py of toolbox: has version "1"/),
    expect.stringMatching(
      /^left out: tool_enterprise of toolbox installs itself \(`auto_install`\) and cannot: missing module: nowhere/,
    ),
  ])
  const said = task.lines.map(({ text }) => text)
  expect(said).toContainEqual(
    expect.stringMatching(/^Odoo installs by itself: tool_report, \d+ modules of the image$/),
  )
  expect(said).toContainEqual(expect.stringContaining('where a company is in their countries: tool_swiss'))
}, 60_000)

test('a repository that is an addon goes by its name, as a project and as a submodule', async () => {
  const top = { '__init__.py': '', '__manifest__.py': "{'name': 'Desk notes', 'version': '19.0.1.0.0'}" }
  const notes = await repositoryOf(top, 'desk_notes')
  const { output } = await resolve(notes)
  expect(output.modules).toEqual(['desk_notes'])
  expect(output.addons).toMatchObject([
    { name: 'desk_notes', path: '', treeId: await notes.git('rev-parse', 'HEAD^{tree}') },
  ])
  expect(await refusal({ ...top })).toMatchObject({
    reason: 'addon-unnamed',
    message: expect.stringContaining('addon_name in fairway.yaml'),
  })
  const named = await resolve(await repositoryOf({ ...top, ...fairway('addon_name: desk_more\n') }))
  expect(named.output.modules).toEqual(['desk_more'])

  const user = await server.createRepository('desk-user')
  await user.commit({
    ...module('desk_use', undefined, ['desk_notes']),
    '.gitmodules': '[submodule "desk_notes"]\n\tpath = vendor/desk_notes\n\turl = ../desk_notes\n',
  })
  await user.git('update-index', '--add', '--cacheinfo', `160000,${output.commit},vendor/desk_notes`)
  await user.git('commit', '--quiet', '-m', 'Take it in')
  await user.push()
  expect((await resolve(user)).output.modules).toEqual(['desk_notes', 'desk_use'])
}, 120_000)

test('files that an image cannot hold or nobody can look at are named as the repository has them', async () => {
  const latin = await repositoryOf(module('bin_count'))
  // As an old Windows had it; no name of a JavaScript string is.
  await latin.git('-c', `alias.odd=!cd bin_count && : >"$(printf 'capture d\\351cran.txt')"`, 'odd')
  await latin.git('add', '--all')
  await latin.git('commit', '--quiet', '-m', 'A file named on an old Windows')
  await latin.push()
  await expect(resolve(latin)).rejects.toMatchObject({
    reason: 'manifest-invalid',
    message: expect.stringContaining('bin_count/capture d\\xe9cran.txt; rename it'),
  })

  const lfs = await repositoryOf({
    ...module('bin_count'),
    'bin_count/static/description/icon.png': pointer,
    'docs/picture.png': pointer,
  })
  expect((await resolve(lfs)).warnings).toEqual([
    '1 files are pointers of Git LFS, not the files themselves, and the image gets them as they are: bin_count/static/description/icon.png; commit the files to git itself (git lfs migrate export)',
  ])

  const linked = await repositoryOf({
    ...module('bin_count'),
    ...module('old', '18.0.1.0.0'),
    'more/a.py': '',
  })
  await linked.git('-c', 'alias.link=!ln -s ../more/a.py bin_count/a.py && ln -s gone old/gone', 'link')
  await linked.git('add', '--all')
  await linked.git('commit', '--quiet', '-m', 'A link out of the module')
  await linked.push()
  await expect(resolve(linked)).rejects.toMatchObject({
    reason: 'manifest-invalid',
    message:
      'the module bin_count (bin_count/__manifest__.py) has a symbolic link that leads out of the module, or nowhere: bin_count/a.py; put there what it leads to',
  })
  await linked.git('rm', '--quiet', 'bin_count/a.py')
  await linked.git('commit', '--quiet', '-m', 'Only in what is not migrated')
  await linked.push()
  const { output } = await resolve(linked)
  expect(output).toMatchObject({ modules: ['bin_count'], addons: [{ name: 'bin_count' }] })

  const looped = await repositoryOf(module('bin_count'))
  await looped.git('-c', 'alias.loop=!ln -s data bin_count/data', 'loop')
  await looped.git('add', '--all')
  await looped.git('commit', '--quiet', '-m', 'A link to itself')
  await looped.push()
  await expect(resolve(looped)).rejects.toMatchObject({
    reason: 'symlink-escapes',
    message: expect.stringMatching(/^bin_count\/data\/neutralize\.sql cannot be looked at/),
  })
}, 120_000)

test('what a source has twice, and what its module needs that comes by itself, can be left out', async () => {
  const toolbox = await server.createRepository('twice')
  const needs = "'auto_install': True, 'external_dependencies': {'python': ['acme'], 'bin': []}"
  await toolbox.commit(
    {
      ...module('base_tools'),
      ...own('glue', needs, ['base_tools']),
      ...module('x/two'),
      ...module('y/two'),
    },
    { branch: '19.0' },
  )
  const project = (exclude: string[]) =>
    repositoryOf({
      'oca_dependencies.txt': `twice ${toolbox.url}\n`,
      ...fairway(`sources: { exclude: [${exclude.join(', ')}] }\n`),
      ...module('shop', undefined, ['base_tools']),
    })
  await expect(resolve(await project([]))).rejects.toMatchObject({
    message: expect.stringMatching(
      /two exists 2 times: two of twice\/x \(.*; two of twice\/y .*sources\.exclude/,
    ),
  })
  await expect(resolve(await project(['twice/y/two']))).rejects.toMatchObject({
    reason: 'python-unnamed',
    message: expect.stringMatching(
      /^glue\/__manifest__\.py of twice asks for "acme", .*; Odoo installs glue by itself with base_tools: to do without it, name twice\/glue under sources\.exclude/,
    ),
  })
  const { output } = await resolve(await project(['twice/y/two', 'twice/glue']))
  expect(output.closure).not.toContain('glue')
}, 120_000)

test('an image has what comes by itself with its Python, and an addon that is the repository without the others', async () => {
  await using index = await startPythonIndex()
  index.addWheel('acme-label', '1.0', { files: { 'acme_label.py': '' } })
  await using project = await createImageProject()
  const toolbox = await project.git.createRepository('toolbox')
  const needs = "'auto_install': True, 'external_dependencies': {'python': ['acme-label']}"
  await toolbox.commit(
    {
      ...module('tool_base'),
      ...own('tool_report', needs, ['tool_base']),
      'requirements.txt': 'acme-label\n',
    },
    { branch: '19.0' },
  )
  const resolved = await project.resolve({
    '__init__.py': '',
    '__manifest__.py': "{'name': 'x', 'version': '19.0.1.0.0', 'depends': ['tool_base']}",
    'oca_dependencies.txt': `toolbox ${toolbox.url}\n`,
    ...fairway(`python: { index: ${index.url} }\n`),
  })
  expect(resolved.modules).toEqual(['shop'])
  expect(resolved.python).toMatchObject([{ name: 'acme-label', version: '1.0' }])
  const image = await project.build(resolved, undefined, { sources: resolved.sources })
  const script = 'cd /mnt/extra-addons; python3 -c "import acme_label" && find . -name __manifest__.py | sort'
  expect((await project.run(image.reference, 'sh', '-c', script)).trim().split('\n')).toEqual([
    './shop/__manifest__.py',
    './tool_base/__manifest__.py',
    './tool_report/__manifest__.py',
  ])
}, 180_000)
