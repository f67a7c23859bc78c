import { afterAll, beforeAll, expect, test } from 'vitest'
import { validate } from '../support/cyclonedx.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'

// Addons that Python packages bring, as the OCA publishes them: modules like others, from the closure to the parts list.

let project: ImageProject
let index: PythonIndex

beforeAll(async () => {
  project = await createImageProject()
  index = await startPythonIndex()
  const wheel = (name: string, version: string, files: Record<string, string>, requires: string[] = []) =>
    index.addWheel(name, version, { files, requires: ['odoo==19.0.*', ...requires] })
  wheel('odoo-addon-acme-base', '19.0.1.0.0', acmeBase)
  wheel('odoo-addon-acme-base', '19.0.2.0.0', { ...acmeBase, 'odoo/addons/acme_base/more.py': 'x = 2\n' })
  wheel(
    'odoo19-addon-acme-label',
    '19.0.1.0.0',
    addon(
      'odoo/addons/acme_label',
      "'depends': ['acme_base'], 'external_dependencies': {'python': ['acmepaper']}",
    ),
    ['odoo-addon-acme-base', 'acme-paper'],
  )
  // Longer than a description has any reason to be, and as long as Odoo reads it.
  const long = (bytes: number) =>
    addon('odoo/addons/long', `'auto_install': True, 'description': '${'x'.repeat(bytes)}'`)
  wheel('odoo-addon-long', '19.0.1.0.0', long(300_000))
  wheel('odoo-addon-long', '19.0.2.0.0', long(4 * 1024 ** 2))
  index.addWheel('acme-paper', '1.0', { files: { 'acmepaper.py': '' } })
  // It says that it is for any Odoo, and Odoo is on the index as well.
  index.addWheel('odoo', '20.0')
  index.addWheel('odoo-addon-newer', '20.0', { requires: ['odoo>=20'], files: addon('odoo/addons/newer') })
}, 120_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

const acmeBase: Record<string, string> = {
  ...addon('odoo/addons/acme_base'),
  'odoo/addons/acme_base/data/neutralize.sql': 'select 1;\n',
  'odoo/addons/acme_base/static/a.txt': 'a\n',
  'odoo/addons/acme_base/static.txt': 'b\n',
}
const shop = (requirements: string) => ({
  'fairway.yaml': `python: { index: ${index.url} }\n`,
  'requirements.txt': requirements,
  ...addon('shop', "'depends': ['acme_label']"),
})

test('they are in closure, lock, image and parts list, and compared by content', async () => {
  const task = project.newTask()
  const resolved = await project.resolve(
    shop('odoo19-addon-acme-label\nodoo-addon-acme-base==19.0.1.0.0\n'),
    {},
    task,
  )
  const own = resolved.closure.filter((name) => /^(acme|shop)/.test(name))
  expect(own).toEqual(['acme_base', 'acme_label', 'shop'])
  const source = await project.git.createRepository('acme')
  const commit = await source.commit(acmeBase)
  const tree = await source.git('rev-parse', `${commit}:odoo/addons/acme_base`)
  expect(resolved.addons.find(({ name }) => name === 'acme_base')).toMatchObject({
    distribution: 'odoo-addon-acme-base',
    source: 'python:odoo-addon-acme-base',
    treeId: tree,
    version: '19.0.1.0.0',
    hasNeutralize: true,
  })
  expect(JSON.parse(task.artifacts.get('lock.json')!)).toMatchObject({
    version: 3,
    addons: expect.arrayContaining([expect.objectContaining({ package: 'odoo-addon-acme-base', tree })]),
  })

  const building = project.newTask()
  const image = await project.build(resolved, building)
  const script = `
from odoo.tools import config
config.parse_config(['--addons-path=/mnt/extra-addons'])
from odoo.modules.module import Manifest, initialize_sys_path
initialize_sys_path()
print([Manifest.for_addon(name).path.split('/')[1] for name in ('shop', 'acme_base', 'acme_label', 'base')])`
  expect(await project.run(image.reference, 'python3', '-c', script)).toContain(
    "['mnt', 'usr', 'usr', 'usr']",
  )
  const sbom = JSON.parse(building.artifacts.get('sbom.cdx.json')!)
  await validate(JSON.stringify(sbom))
  const package_ = sbom.components.find(({ name }: { name: string }) => name === 'odoo-addon-acme-base')
  expect(package_).toMatchObject({ components: [{ name: 'acme_base', version: '19.0.1.0.0' }] })
  const odoo = sbom.components.find(({ name }: { name: string }) => name === 'odoo')
  expect(odoo.components.map(({ name }: { name: string }) => name)).not.toContain('acme_base')

  const newer = await project.resolve(shop('odoo19-addon-acme-label\n'))
  expect(newer.addons.find(({ name }) => name === 'acme_base')?.treeId).not.toBe(tree)
  expect(newer.imageKey).not.toBe(resolved.imageKey)
}, 240_000)

test('a module that no package brings is missing, and one that two bring is not guessed', async () => {
  await expect(project.resolve(shop(''))).rejects.toMatchObject({
    reason: 'dependency-missing',
    message: expect.stringContaining('acme_label (needed by shop → acme_label'),
  })
  const twice = { ...shop('odoo19-addon-acme-label\n'), ...addon('acme_base') }
  await expect(project.resolve(twice)).rejects.toMatchObject({
    reason: 'addon-duplicate',
    message: expect.stringMatching(/acme_base, and in the Python package odoo-addon-acme-base/),
  })
}, 120_000)

test('no other Odoo than the image’s is fetched for them', async () => {
  await expect(project.resolve(shop('odoo-addon-newer\n'))).rejects.toMatchObject({
    reason: expect.stringMatching(/python-(conflict|missing)/),
    message: expect.stringContaining('odoo'),
  })
  expect(index.requests.filter((path) => path.includes('/files/odoo-20'))).toEqual([])
}, 120_000)

test('a manifest is read in its full length, or refused for it', async () => {
  const files = (version: string) => ({ ...shop(`odoo-addon-long==${version}\n`), ...addon('shop') })
  const { closure } = await project.resolve(files('19.0.1.0.0'))
  expect(closure).toContain('long')
  await expect(project.resolve(files('19.0.2.0.0'))).rejects.toMatchObject({
    reason: 'manifest-invalid',
    message: expect.stringContaining(
      'module long in the Python package odoo-addon-long is too large to be read: it has 4.1 MiB; one may have 4 MiB',
    ),
  })
}, 180_000)
