import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BuildImageOutput, ResolveOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { validate } from '../support/cyclonedx.ts'
import { forgetNames } from '../support/forget-image.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { registry } from '../support/odoo-services.ts'
import { startPythonIndex } from '../support/python-index.ts'
import { startRegistry } from '../support/registry.ts'

// What an image is made of, and what of it changes with an addon. The cases go in order.

let project: ImageProject
let index: Awaited<ReturnType<typeof startPythonIndex>>
let oca: string
let resolved: ResolveOutput
let first: BuildImageOutput

beforeAll(async () => {
  project = await createImageProject()
  index = await startPythonIndex()
  index.addWheel('fw-alpha', '1.0')
  const web = await project.git.createRepository('web')
  oca = await web.commit({ ...addon('web_a'), ...addon('web_b') })
}, 120_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

/** A commit with a submodule of two addons, a Python package, and an addon of its own with this code. */
async function commit(code: string): Promise<string> {
  const { repository, git } = project
  await repository.commit({
    '.gitmodules': `[submodule "web"]\n\tpath = oca/web\n\turl = ${git.url}/web\n`,
    'fairway.yaml': `python: { index: ${index.url} }\n`,
    'requirements.txt': 'fw-alpha\n',
    ...addon('shop', "'depends': ['web_a']", code),
  })
  await repository.git('update-index', '--add', '--cacheinfo', `160000,${oca},oca/web`)
  await repository.git('commit', '--quiet', '-m', 'Pin web')
  await repository.push()
  return repository.git('rev-parse', 'HEAD')
}

async function layersOf({
  digest,
  reference,
}: BuildImageOutput): Promise<{ digest: string; size: number }[]> {
  const name = reference.replace(/@.*$/, '').slice(registry.length + 1)
  const accept = 'application/vnd.oci.image.manifest.v1+json'
  const response = await fetch(`http://${registry}/v2/${name}/manifests/${digest}`, { headers: { accept } })
  return ((await response.json()) as { layers: { digest: string; size: number }[] }).layers
}

test('an image says what it was made of', async () => {
  resolved = await project.resolve(await commit(''))
  first = await project.build(resolved)
  expect(first.built).toBe(true)
  const { Config } = await project.services.docker.docker.getImage(first.reference).inspect()
  expect(Config.Labels).toEqual({
    'org.opencontainers.image.base.digest': resolved.baseImage.replace(/^.*@/, ''),
    'dev.fairway.key': resolved.imageKey,
    'dev.fairway.on': expect.stringMatching(/^sha256:/),
  })
  expect(Config.User).toBe('odoo')
  expect(
    await project.run(first.reference, 'sh', '-c', 'ls /mnt/extra-addons; touch /mnt/extra-addons/x 2>&1'),
  ).toMatch(/^shop\s+web_a\s+web_b\s+touch: .*Permission denied$/)
}, 120_000)

test('a change of one addon makes one small layer', async () => {
  const before = await layersOf(first)
  const changed = await project.build(await project.resolve(await commit('answer = 42\n')))
  const after = await layersOf(changed)
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
  expect(after.at(-1)!.digest).not.toBe(before.at(-1)!.digest)
  expect(after.at(-1)!.size).toBeLessThan(1000)
}, 60_000)

test('the same lock makes the same image, wherever it is made', async () => {
  // As on another host: nothing of it is here, and another registry knows none of it.
  await using elsewhere = await startRegistry()
  await project.forgetImages()
  const imageRepository = `${elsewhere.host}/other/shop`
  const again = await project.build(resolved, project.newTask(), { imageRepository })
  expect(again).toMatchObject({ built: true, digest: first.digest })
  // And once more where the registry has most of it.
  const copy = { imageRepository: `${project.imageRepository}-again` }
  expect((await project.build(resolved, project.newTask(), copy)).digest).toBe(first.digest)
  const { Config, RootFS } = await project.services.docker.docker.getImage(again.reference).inspect()
  expect(RootFS.Layers).toHaveLength(7 + 3)
  expect(Config).toMatchObject({ User: 'odoo', Entrypoint: ['entrypoint.sh'], Cmd: ['odoo'] })
  expect([Config.Volumes, Config.OnBuild, Config.Healthcheck]).toEqual([null, null, undefined])
  await forgetNames(project.services.docker.docker, imageRepository)
}, 120_000)

test('what was left under its key is not taken where it is to be built anew', async () => {
  const imageKey = 'e'.repeat(64)
  const other = await project.resolve(await commit('answer = 666\n'))
  const planted = await project.build(other, project.newTask(), { imageKey })
  const taken = await project.build(resolved, project.newTask(), { imageKey })
  expect(taken).toMatchObject({ built: false, anew: false, digest: planted.digest })
  const anew = await project.build(resolved, project.newTask(), { imageKey, anew: true })
  expect(anew).toMatchObject({ built: true, anew: true })
  expect(await layersOf(anew)).toEqual(await layersOf(first))
}, 120_000)

test('who only compares comes to the same digest, and leaves nothing under a name', async () => {
  // As on another host, whose registry knows nothing of the project.
  await using elsewhere = await startRegistry()
  await project.forgetImages()
  const task = project.newTask()
  const imageRepository = `${elsewhere.host}/other/shop`
  const again = await project.build(resolved, task, { imageRepository, reproduce: true })
  expect(again).toMatchObject({ reproduced: true, built: false, anew: false, digest: first.digest })
  expect(task.artifacts.size).toBe(0)
  const catalog = await fetch(`http://${elsewhere.host}/v2/_catalog`)
  expect(await catalog.json()).toEqual({ repositories: [] })
  const { docker } = project.services.docker
  expect(await docker.listImages({ filters: { reference: [imageRepository] } })).toEqual([])
  // Where another image was left under the key, it is neither taken nor replaced.
  const imageKey = 'd'.repeat(64)
  const other = await project.resolve(await commit('answer = 667\n'))
  const planted = await project.build(other, project.newTask(), { imageKey })
  const compared = await project.build(resolved, project.newTask(), { imageKey, reproduce: true })
  expect(compared.digest).not.toBe(planted.digest)
  expect(await project.build(resolved, project.newTask(), { imageKey })).toMatchObject({
    built: false,
    digest: planted.digest,
  })
}, 120_000)

test('its parts list is complete, valid, and the same for the same image', async () => {
  const task = project.newTask()
  const known = await project.build(resolved, task)
  expect(known).toMatchObject({ built: false, digest: first.digest, sbomSha256: first.sbomSha256 })
  const text = task.artifacts.get('sbom.cdx.json') ?? ''
  expect(Buffer.byteLength(text)).toBeLessThan(512 * 1024)
  expect(await validate(text)).toEqual([])
  const sbom = JSON.parse(text)
  expect(sbom.metadata.component).toMatchObject({ name: project.imageRepository, version: first.digest })
  const purls = sbom.components.flatMap(({ purl }: { purl?: string }) => purl ?? [])
  expect(purls).toEqual(expect.arrayContaining(['pkg:pypi/fw-alpha@1.0']))
  expect(purls.some((purl: string) => purl.startsWith('pkg:deb/debian/libc6@'))).toBe(true)
  const find = (name: string) =>
    sbom.components.find((one: { name: string; purl?: string }) => one.name === name && !one.purl)
  expect(find('odoo').version).toBe('19.0')
  expect(find('odoo').components.map(({ name }: { name: string }) => name)).toContain('sale')
  const shop = resolved.addons.find(({ name }) => name === 'shop')!
  expect(find(project.repository.url).components).toContainEqual({
    type: 'library',
    'bom-ref': 'addon/shop',
    name: 'shop',
    version: '19.0.1.0.0',
    properties: [{ name: 'dev.fairway.tree', value: shop.treeId }],
  })
  // Another host's memory is empty.
  await rm(join(project.services.workDirectory, 'sboms'), { recursive: true })
  expect((await project.build(resolved)).sbomSha256).toBe(first.sbomSha256)
}, 60_000)
