import { afterAll, beforeAll, expect, test } from 'vitest'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'

// A company's base image with modules of its own: what Odoo makes of them is said when a commit is resolved.

let project: ImageProject
let base: { defaultBaseImage: string; imageRules: object }

beforeAll(async () => {
  project = await createImageProject()
  const resolved = await project.resolve({
    'fairway.yaml': ['production', 'staging', 'development']
      .map((stage) => `${stage}: { modules: [tool] }\n`)
      .join(''),
    ...addon('tool'),
    ...addon('tool_report', "'depends': ['tool'], 'external_dependencies': {'python': ['acme_nothing']}"),
    ...other('old_tool', "'depends': ['base'], 'auto_install': True"),
  })
  const { reference } = await project.build(resolved)
  base = {
    defaultBaseImage: reference,
    imageRules: { registries: ['*'], baseImages: [project.imageRepository] },
  }
}, 120_000)

afterAll(() => project?.[Symbol.asyncDispose](), 60_000)

function other(name: string, more: string): Record<string, string> {
  const manifest = `{'name': 'x', 'version': '18.0.1.0.0', 'license': 'LGPL-3', ${more}}\n`
  return { [`${name}/__init__.py`]: '', [`${name}/__manifest__.py`]: manifest }
}

const manifest = (name: string) => `/mnt/extra-addons/${name}/__manifest__.py`

test('one of another series comes with nothing, and is said', async () => {
  const task = project.newTask()
  const files = { 'fairway.yaml': '', ...addon('shop', "'depends': ['tool']") }
  const { autoInstalled, closure, imageModules } = await project.resolve(files, base, task)
  expect(closure).toEqual(expect.arrayContaining(['shop', 'tool', 'web']))
  expect(closure).not.toContain('old_tool')
  expect(autoInstalled).not.toContain('old_tool')
  expect(imageModules).not.toContain('old_tool')
  expect(task.warnings).toContainEqual(
    `not installed: of the base image, ${manifest('old_tool')} has version 18.0.1.0.0, but the project is for Odoo 19.0; Odoo passes them over`,
  )
}, 60_000)

test.each([
  ['series-mismatch', 'old_tool', `the module old_tool (${manifest('old_tool')}) has version 18.0.1.0.0`],
  ['python-unnamed', 'tool_report', `${manifest('tool_report')} asks for "acme_nothing"`],
])(
  '%s: what needs one that cannot be installed is refused',
  async (reason, needed, message) => {
    await expect(
      project.resolve({ 'fairway.yaml': '', ...addon('shop', `'depends': ['${needed}']`) }, base),
    ).rejects.toMatchObject({ reason, message: expect.stringContaining(message) })
  },
  60_000,
)
