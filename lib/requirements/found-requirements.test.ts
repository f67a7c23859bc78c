import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readDoodbaFiles } from '../repository/sources/doodba-files.ts'
import { listRequirementsFiles } from './project-requirements.ts'
import { readRequirements } from './requirements-file.ts'

// Files of requirements that are another's, or another tool's as well: who cannot change them has a way on.

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-requirements-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

const source = '.fairway-sources/web'
async function read(ignore: string[] = []) {
  const notes: string[] = []
  const note = (text: string) => void notes.push(text)
  const addons = [
    { path: 'sale_x', source: '' },
    { path: `${source}/web_x`, source },
    { path: 'vendor/label_x', source: '' },
  ]
  const listing = { forTests: false, ignore, note }
  const listed = await listRequirementsFiles(root, { addons, submodules: ['vendor'] }, listing)
  const doodba = await readDoodbaFiles(root, { ignore, executables: [] })
  notes.push(...doodba.notes)
  const { requirements } = await readRequirements(root, [...listed, ...doodba.pip], { warn: note, note })
  return { notes, texts: requirements.map(({ text }) => text) }
}

const pip = 'odoo/custom/dependencies/pip.txt'
const openupgradelib = 'git+https://github.com/OCA/openupgradelib.git@master'
/** As doodba-copier-template writes it for Odoo 11.0 and newer. */
const template = `${openupgradelib}\nunicodecsv\nunidecode\n`

test("Doodba's template is taken as it is, and its repository for the package that is published from it", async () => {
  await write({ [pip]: template, 'odoo/custom/dependencies/apt.txt': 'fonts-noto-core\n' })
  expect(await read()).toEqual({
    texts: ['openupgradelib', 'unicodecsv', 'unidecode'],
    notes: [`${pip}:1: taken as openupgradelib, which is published from this repository`],
  })
})

test.each([
  [openupgradelib, 'openupgradelib'],
  ['git+https://github.com/OCA/openupgradelib', 'openupgradelib'],
  ['git+https://github.com/oca/openupgradelib.git/@main#egg=openupgradelib', 'openupgradelib'],
  ['-e git+https://github.com/OCA/openupgradelib.git#egg=openupgradelib', 'openupgradelib'],
  ['openupgradelib @ git+ssh://git@github.com/OCA/openupgradelib.git@3.6.1', 'openupgradelib==3.6.1'],
  [`${openupgradelib} ; python_version > "3"`, 'openupgradelib ; python_version > "3"'],
  ['git+https://github.com/OCA/odoo-test-helper@v2.0.2', 'odoo-test-helper==2.0.2'],
])('%s of a file that is found is %s', async (line, text) => {
  await write({ 'vendor/requirements.txt': line })
  expect((await read()).texts).toEqual([text])
})

test.each([
  'git+https://github.com/acme/openupgradelib.git@master',
  'git+https://git.example/OCA/openupgradelib.git',
  'git+https://github.com.evil.example/OCA/openupgradelib.git',
  'git+https://evil.example/@github.com/OCA/openupgradelib.git',
  'git+https://github.com/OCA/openupgradelib.git@refs/pull/1/head',
  `git+https://github.com/OCA/openupgradelib.git@${'a'.repeat(40)}`,
  'git+https://github.com/OCA/openupgradelib.git@master#egg=other',
  'other @ git+https://github.com/OCA/openupgradelib.git@master',
  'git+https://github.com/OCA/openupgradelib.git@master --no-binary=x',
  'git+https://github.com/OCA/openupgradelib.git@master; python_version > "3" --pre',
])('%s is no published package', async (line) => {
  await write({ 'vendor/requirements.txt': line })
  await expect(read()).rejects.toMatchObject({
    reason: 'requirements-invalid',
    message: expect.stringMatching(
      /^vendor\/requirements\.txt:1: .*; or name vendor\/requirements\.txt under/,
    ),
  })
})

test("in the project's own requirements.txt the line to write is named", async () => {
  await write({ 'requirements.txt': openupgradelib })
  await expect(read()).rejects.toMatchObject({
    message: `requirements.txt:1: ${openupgradelib}: code from a version control system is not installed, as it can't be pinned by hash: write openupgradelib, which is published from this repository`,
  })
})

test.each([
  ['a line', `${source}/requirements.txt`, 'x==1 --pre\n'],
  ['a line in a file that it names', 'vendor/requirements.txt', '-r more.txt\n'],
  ['too many lines', 'vendor/requirements.txt', 'x\n'.repeat(1001)],
  ['a line of Doodba', pip, 'fine\n-e .\n'],
  ['a word', 'odoo/custom/dependencies/apt.txt', 'curl=7\n'],
])('%s that is not taken tells how to go without the file', async (_, path, text) => {
  await write({ 'requirements.txt': 'own\n', 'vendor/more.txt': '-i x\n', [path]: text })
  const advice = `; or name ${path} under sources.ignore in fairway.yaml, and nothing that it asks for is installed`
  await expect(read()).rejects.toThrow(advice)
  for (const ignored of [path, `./${dirname(path)}/`])
    expect(await read([ignored])).toEqual({
      texts: ['own'],
      notes: [`${path} is not used, as sources.ignore of fairway.yaml names it`],
    })
})

test('a link in place of the file is nothing that one has to mend elsewhere', async () => {
  await write({ 'vendor/x': '' })
  await symlink('x', join(root, 'vendor/requirements.txt'))
  await expect(read()).rejects.toThrow(
    'is a symbolic link, which is not followed; put the file there; or name vendor/requirements.txt under',
  )
  expect((await read(['vendor'])).texts).toEqual([])
  await rm(join(root, 'vendor/requirements.txt'))
  expect((await read(['vendor'])).notes).toEqual([])
})

test('what lies inside of a module is said, and not read', async () => {
  await write({
    'sale_x/requirements.txt': '-e .',
    [`${source}/web_x/requirements.txt`]: 'x',
    'requirements.txt': 'a',
  })
  const { notes, texts } = await read()
  expect(texts).toEqual(['a'])
  expect(notes).toEqual([
    expect.stringMatching(
      /^inside of modules no requirements\.txt is read .*: sale_x\/requirements\.txt, .*web_x\/req/,
    ),
  ])
})

test('what lies in a submodule without modules is said, and not read', async () => {
  await write({ 'lib/requirements.txt': '-e .' })
  const notes: string[] = []
  const folders = { addons: [{ path: 'sale_x', source: '' }], submodules: ['lib'] }
  const listing = { forTests: false, ignore: [], note: (text: string) => void notes.push(text) }
  expect(await listRequirementsFiles(root, folders, listing)).toEqual([])
  expect(notes).toEqual([expect.stringMatching(/^lib\/requirements\.txt is not read, .*-r$/)])
})

test('who goes without changes to Odoo does not go without packages', async () => {
  await write({ [pip]: 'num2words\n' })
  expect((await read(['odoo', './odoo'])).texts).toEqual(['num2words'])
})
