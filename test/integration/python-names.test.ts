import { afterAll, beforeAll, expect, test } from 'vitest'
import { CellStage } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'

// What manifests ask of Python is never asked of an index by the manifest's name: whoever has taken it there would get in.

let project: ImageProject
let index: PythonIndex

beforeAll(async () => {
  project = await createImageProject()
  index = await startPythonIndex()
  index.addWheel('acme-label', '1.0', { files: { 'acmelabel/__init__.py': '' } })
  index.addWheel('acme-label', '2.0', { files: { 'acmelabel/__init__.py': '' } })
  index.addWheel('acme-print', '1.0', { requires: ['acme-label>=2'] })
  index.addWheel('python-acmeslug', '2.0', { files: { 'acmeslug/__init__.py': 'RIGHT = True\n' } })
  // Somebody else's, of the name under which the other is imported.
  index.addWheel('acmeslug', '0.1', { files: { 'acmeslug/__init__.py': 'RIGHT = False\n' } })
  index.addWheel('vcrpy', '6.0', { files: { 'vcr/__init__.py': '' } })
  index.addWheel('vcr', '0.1')
  for (const name of ['openupgradelib', 'unicodecsv', 'unidecode']) index.addWheel(name, '1.0')
}, 120_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

const yaml = () => ({ 'fairway.yaml': `python: { index: ${index.url} }\n` })
const needing = (...names: string[]) =>
  addon('page_links', `'external_dependencies': {'python': ${JSON.stringify(names)}}`)
const pinned = (resolved: { python: readonly { name: string; version: string }[] }) =>
  resolved.python.map(({ name, version }) => `${name} ${version}`)
/** Of names: whether the index was asked for them. */
const askedFor = (...names: string[]) =>
  names.filter((name) =>
    index.requests.some((path) => path.includes(`/${name}/`) || path.includes(`/${name}-`)),
  )

test('a package of requirements.txt that brings the import is taken, and nothing else', async () => {
  const resolved = await project.resolve({
    ...yaml(),
    ...needing('acmeslug', 'csv', 'xml.etree'),
    'requirements.txt': 'python-acmeslug==2.0\n',
  })
  expect(pinned(resolved)).toEqual(['python-acmeslug 2.0'])
  expect(askedFor('acmeslug')).toEqual([])
  const image = await project.build(resolved)
  const script = 'import acmeslug; print(acmeslug.RIGHT)'
  expect(await project.run(image.reference, 'python3', '-c', script)).toBe('True')
}, 180_000)

test.each([
  ['nothing brings it', ['acmeslug'], '', /acmeslug", which nothing .* brings: .* the line acmeslug if/],
  ['a marker leaves out what brings it', ['acmeslug'], 'python-acmeslug; python_version < "3"\n', /nothing/],
  ['a marker leaves out its own line', ['acmeslug'], 'acmeslug; python_version < "3"\n', /nothing/],
  ['an extra leaves out its own line', ['acmeslug'], 'acmeslug; extra == "x"\n', /nothing/],
  ['it asks for a version', ['acmeslug>=1'], 'python-acmeslug\n', /comes with python-acmeslug: write that/],
  ['the image has another version', ['psycopg2>=99'], '', /its version is .*: add the line psycopg2>=99/],
])(
  'where %s, the line to write is named',
  async (_, names, requirements, message) => {
    const files = { ...yaml(), ...needing(...names), 'requirements.txt': requirements }
    await expect(project.resolve(files)).rejects.toMatchObject({
      reason: 'python-unnamed',
      message: expect.stringMatching(
        new RegExp(`^page_links/__manifest__\\.py asks for ".*${message.source}`),
      ),
    })
    expect(askedFor('acmeslug', 'psycopg2')).toEqual([])
  },
  120_000,
)

test('a name that is kept is asked for by its package, where nothing else brings it', async () => {
  const resolved = await project.resolve({ ...yaml(), ...needing('vcr', 'acmeslug; python_version < "3"') })
  expect(pinned(resolved)).toEqual(['vcrpy 6.0'])
  expect(resolved.python[0]!.askedBy).toEqual(['page_links/__manifest__.py vcr'])
  expect(askedFor('vcr', 'acmeslug')).toEqual([])
}, 120_000)

test('what a package of requirements.txt depends on may be narrowed by a manifest', async () => {
  const files = { ...yaml(), 'requirements.txt': 'acme-label\n' }
  const resolved = await project.resolve({ ...files, ...needing('acme_label<2') })
  expect(pinned(resolved)).toEqual(['acme-label 1.0'])
  expect(resolved.python[0]!.askedBy).toEqual([
    'requirements.txt:1 acme-label',
    'page_links/__manifest__.py acme_label<2',
  ])
  const conflict = { ...yaml(), 'requirements.txt': 'acme-print\n', ...needing('acme-label<2') }
  await expect(project.resolve(conflict)).rejects.toMatchObject({
    reason: 'python-conflict',
    message: expect.stringMatching(/page_links\/__manifest__\.py acme-label<2.*acme-print 1\.0 depends on/),
  })
}, 180_000)

test('requirements of a submodule count, and conflicts name both files', async () => {
  const vendor = await project.git.createRepository('vendor')
  const commit = await vendor.commit({
    ...addon('label_print', '', 'import acmelabel\n'),
    'requirements.txt': 'acme-label==1.0\n',
  })
  const shop = { ...yaml(), ...addon('label_shop', "'depends': ['label_print']") }
  const commitWith = async (files: Record<string, string | Buffer>) => {
    const { git, push, commit: commitFiles } = project.repository
    const gitmodules = `[submodule "vendor"]\n\tpath = vendor\n\turl = ${vendor.url}\n`
    await commitFiles({ ...shop, ...files, '.gitmodules': gitmodules })
    await git('update-index', '--add', '--cacheinfo', `160000,${commit},vendor`)
    await git('commit', '--quiet', '-m', 'Take the submodule')
    await push()
    return git('rev-parse', 'HEAD')
  }
  const production = { stage: CellStage.PRODUCTION }
  const own = await commitWith({})
  expect((await project.resolve(own, production)).python).toMatchObject([
    { name: 'acme-label', version: '1.0', askedBy: ['vendor/requirements.txt:1 acme-label==1.0'] },
  ])
  // As PowerShell writes it.
  const utf16 = Buffer.from('\ufeffacme-label==2.0\r\n', 'utf16le')
  await expect(
    project.resolve(await commitWith({ 'requirements.txt': utf16 }), production),
  ).rejects.toMatchObject({
    reason: 'python-conflict',
    message: expect.stringMatching(
      /: requirements\.txt:1 acme-label==2\.0; vendor\/requirements\.txt:1 acme-label==1\.0/,
    ),
  })
}, 180_000)

test("Doodba's template is resolved letter for letter, and a line that is not taken is gone without", async () => {
  const pip = 'odoo/custom/dependencies/pip.txt'
  const template = 'git+https://github.com/OCA/openupgradelib.git@master\nunicodecsv\nunidecode\n'
  const task = project.newTask()
  const resolved = await project.resolve({ ...yaml(), ...addon('page_links'), [pip]: template }, {}, task)
  expect(pinned(resolved)).toEqual(['openupgradelib 1.0', 'unicodecsv 1.0', 'unidecode 1.0'])
  expect(resolved.python[0]!.askedBy).toEqual([`${pip}:1 openupgradelib`])
  expect(task.warnings).toEqual([])
  const fork = template.replace('OCA', 'acme')
  const files = { ...yaml(), ...addon('page_links'), [pip]: fork, 'requirements.txt': 'unidecode\n' }
  await expect(project.resolve(files)).rejects.toMatchObject({
    message: expect.stringContaining(`or name ${pip} under sources.ignore in fairway.yaml`),
  })
  const ignoring = `${yaml()['fairway.yaml']}sources: { ignore: [${pip}] }\n`
  expect(pinned(await project.resolve({ ...files, 'fairway.yaml': ignoring }))).toEqual(['unidecode 1.0'])
}, 120_000)

test('what tests need is in the image of development, and in no other', async () => {
  const files = {
    ...yaml(),
    ...addon('page_links'),
    'requirements.txt': 'python-acmeslug\n',
    'test-requirements.txt': '-r requirements.txt\nvcrpy\nx @ git+https://git.example/x.git\n',
  }
  const task = project.newTask()
  const development = await project.resolve(files, {}, task)
  expect(pinned(development)).toEqual(['python-acmeslug 2.0', 'vcrpy 6.0'])
  expect(task.warnings).toEqual([expect.stringMatching(/test-requirements\.txt:3: .*version control/)])
  for (const stage of [CellStage.STAGING, CellStage.PRODUCTION]) {
    const other = await project.resolve(development.commit, { stage })
    expect(pinned(other)).toEqual(['python-acmeslug 2.0'])
    expect(other.imageKey).not.toBe(development.imageKey)
  }
}, 120_000)
