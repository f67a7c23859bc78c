import { afterAll, beforeAll, expect, test } from 'vitest'
import { labelsFor } from '../../agent/containers/docker.ts'
import { addon, createImageProject, type ImageProject, manifestOf } from '../support/image-project.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'

// What is wrong with modules is said before a package is asked for: no container of pip's or apt's is started for it.

let project: ImageProject
let index: PythonIndex

beforeAll(async () => {
  project = await createImageProject()
  index = await startPythonIndex()
  index.addWheel('acme-erp', '1.0', { files: addon('odoo/addons/acme_erp') })
  // What is in the base image is known from now on.
  await project.resolve(addon('shop'))
}, 120_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

type Files = Record<string, string>

const wanting = (requirements: string, files: Files): Files => ({
  ...files,
  'fairway.yaml': `python: { index: ${index.url} }\napt: [poppler-utils]\n${files['fairway.yaml'] ?? ''}`,
  'requirements.txt': requirements,
})

/** Containers that were made meanwhile, by this test's own agent. */
async function containersOf(work: () => Promise<unknown>): Promise<number> {
  const { docker } = project.services.docker
  const label = Object.entries(labelsFor(project.services.docker, { role: 'task' })).map(
    ([name, value]) => `${name}=${value}`,
  )
  const since = Date.now() / 1000
  await work()
  const filters = JSON.stringify({ type: ['container'], event: ['create'], label })
  const events = await docker.getEvents({ since, until: Date.now() / 1000, filters })
  let text = ''
  for await (const chunk of events) text += chunk
  return text.split('\n').filter(Boolean).length
}

const library = 'schwifty==2024.1\n'
const unknown = 'acme-anything\n'

test.each<[what: string, requirements: string, files: Files, reason: string, message: string]>([
  [
    'a missing module',
    library,
    addon('shop', "'depends': ['gone']"),
    'dependency-missing',
    'gone (needed by shop',
  ],
  [
    'a former name that nothing takes over',
    library,
    { ...addon('shop'), 'fairway.yaml': 'renamed: { shop_old: shop_nwe }\n' },
    'config-invalid',
    'there is no module shop_nwe',
  ],
  [
    'a former name that is still here',
    unknown,
    { ...addon('shop'), ...addon('shop_old'), 'fairway.yaml': 'renamed: { shop_old: shop }\n' },
    'config-invalid',
    'shop_old is still here',
  ],
  [
    'an exclusion',
    unknown,
    { ...addon('shop', "'excludes': ['shop_more']"), ...addon('shop_more') },
    'modules-exclude',
    'shop and shop_more exclude each other',
  ],
  [
    'a module that depends on itself',
    unknown,
    { ...addon('shop', "'depends': ['shop_more']"), ...addon('shop_more', "'depends': ['shop']") },
    'dependency-cycle',
    'shop → shop_more → shop',
  ],
  [
    'a data file that is not there',
    unknown,
    addon('shop', "'data': ['views/a.xml']"),
    'data-missing',
    'views/a.xml',
  ],
  [
    'an only addon without __init__.py',
    unknown,
    { 'shop/__manifest__.py': manifestOf() },
    'manifest-invalid',
    'shop/__manifest__.py has no __init__.py',
  ],
])(
  '%s is told before packages',
  async (_, requirements, files, reason, message) => {
    const refused = () =>
      expect(project.resolve(wanting(requirements, files))).rejects.toMatchObject({
        reason,
        message: expect.stringContaining(message),
      })
    expect(await containersOf(refused)).toBe(0)
    expect(index.requests).toEqual([])
  },
  60_000,
)

const needing = (requirements: string): Files => {
  const { 'fairway.yaml': text = '', ...files } = wanting(
    requirements,
    addon('shop', "'depends': ['acme_erp']"),
  )
  return { ...files, 'fairway.yaml': text.replace('apt: [poppler-utils]\n', '') }
}

test('a module that a package brings is waited for, whatever the package is called', async () => {
  const made = await containersOf(async () => {
    const { closure } = await project.resolve(needing('acme-erp\n'))
    expect(closure).toEqual(expect.arrayContaining(['acme_erp', 'shop']))
  })
  expect(made).toBeGreaterThan(0)
}, 120_000)

test('a missing module is told beside the packages that cannot be had', async () => {
  await expect(project.resolve(needing(unknown))).rejects.toMatchObject({
    reason: 'dependency-missing',
    message: expect.stringMatching(/acme_erp \(needed by shop .*is not known: .*acme-anything/s),
  })
  await expect(project.resolve(needing('odoo-addon-acme-erp\n'))).rejects.toMatchObject({
    reason: expect.stringMatching(/^python-/),
    message: expect.stringMatching(/odoo-addon-acme-erp.*without packages: missing module: acme_erp/s),
  })
}, 120_000)

test('an addon of a package stands in for no __init__.py of the own ones', async () => {
  const files = { 'shop/__manifest__.py': manifestOf("'depends': ['acme_erp']") }
  await expect(
    project.resolve({ ...needing('acme-erp\n'), ...files, 'shop/__init__.py': '' }),
  ).resolves.toBeTruthy()
  const { 'shop/__init__.py': _none, ...rest } = needing('acme-erp\n')
  await expect(project.resolve({ ...rest, ...files })).rejects.toMatchObject({
    message: expect.stringContaining('shop/__manifest__.py has no __init__.py beside it'),
  })
}, 120_000)
