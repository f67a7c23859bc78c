import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BuildImageTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { ownImages, registry } from '../support/odoo-services.ts'
import { addon, createSourceCases, names, type SourceCases } from '../support/source-cases.ts'
import { createTask } from '../support/task-context.ts'

// Projects in Doodba's layout, from a commit to a lock and an image.

let cases: SourceCases
const images: string[] = []
beforeAll(async () => {
  cases = await createSourceCases()
}, 60_000)
afterAll(async () => {
  const docker = cases?.services.docker.docker
  for (const image of images) {
    const { Id } = await docker.getImage(image).inspect()
    await docker.getImage(Id).remove({ force: true })
  }
  await cases?.[Symbol.asyncDispose]()
}, 60_000)

describe("Doodba's layout", () => {
  const src = 'odoo/custom/src'
  test('is put together with a merge, and becomes an image that has it', async () => {
    const project = await cases.start()
    const web = await cases.createOca('web', { ...addon('web_x', ['web']), ...addon('web_off') })
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
    await cases.createOca('tools', { ...addon('tool_a'), ...addon('tool_b'), ...addon('shop') })
    await project.commit({
      'fairway.yaml': `sources:\n  oca: ${cases.url}{}\n`,
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
    const { output, warnings } = await cases.resolve(project)
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
        /^odoo\/custom\/src\/private\/shop \(the repository\) takes the place of shop of tools /,
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
    await rm(join(cases.services.workDirectory, 'mirrors'), { recursive: true })
    const built = await cases.handlers.buildImage(input, createTask().context)
    images.push(built.reference)
    expect(built.built).toBe(true)
    const [pinnedWeb, tools] = output.sources
    const changed = { ...pinnedWeb!, merges: pinnedWeb!.merges.slice(0, 1) }
    const other = create(BuildImageTaskSchema, {
      ...input,
      imageKey: 'e'.repeat(64),
      sources: [changed, tools!],
    })
    await expect(cases.handlers.buildImage(other, createTask().context)).rejects.toMatchObject({
      reason: 'lock-mismatch',
      message: expect.stringMatching(/repos\.yaml:7: the merge gives .* is locked: resolve it again/),
    })
    const older = { ...tools!, commit: first, url: pinnedWeb!.url }
    const wrong = create(BuildImageTaskSchema, {
      ...input,
      imageKey: 'd'.repeat(64),
      sources: [pinnedWeb!, older],
    })
    await expect(cases.handlers.buildImage(wrong, createTask().context)).rejects.toMatchObject({
      reason: 'lock-mismatch',
      message: expect.stringContaining('tool_a at tool_a of tools'),
    })
  }, 180_000)
})

describe("Doodba's other files", () => {
  const layout = (files: Record<string, string>, fairway = '') => ({
    'fairway.yaml': `sources:\n  oca: ${cases.url}{}\n${fairway}`,
    'odoo/custom/src/addons.yaml': 'tools: [tool_a, tool_b]\n',
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`odoo/custom/${path}`, text])),
  })

  test('without modules to install that is said, with what to write', async () => {
    const project = await cases.start()
    await cases.createOca('tools', { ...addon('tool_a'), ...addon('tool_b', ['tool_a']) })
    await project.commit(layout({ 'dependencies/pip.txt': '# in the image\npsycopg2\n' }))
    const { output, warnings } = await cases.resolve(project)
    expect(output.closure).toEqual(expect.arrayContaining(['base']))
    expect(output.modules).toEqual([])
    expect(warnings).toEqual([
      expect.stringMatching(
        /^only base is installed: .*`development: \{ modules: \[tool_a, tool_b\] \}`, likewise for the other stages$/,
      ),
    ])
    await project.commit(layout({}, 'development: { modules: [tool_b] }\n'))
    const named = await cases.resolve(project)
    expect(named.output.closure).toEqual(expect.arrayContaining(['tool_a', 'tool_b']))
    expect(named.warnings).toEqual([])
    await project.commit(layout({}, 'development: { modules: [] }\n'))
    expect((await cases.resolve(project)).warnings).toEqual([])
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
      const project = await cases.start()
      await cases.createOca('tools', { ...addon('tool_a'), ...addon('tool_b') })
      await project.commit(layout({ [`dependencies/${name}`]: text }))
      await expect(cases.resolve(project)).rejects.toMatchObject({ message: expect.stringMatching(message) })
    },
    60_000,
  )
})
