import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findInRegistry } from '../../agent/containers/images.ts'
import { registriesOf } from '../../agent/containers/registry-credentials.ts'
import { collectImages } from '../../agent/tasks/collect-images.ts'
import { fetchImage } from '../../agent/tasks/fetch-image.ts'
import {
  type BuildImageOutput,
  CollectImagesTaskSchema,
  FetchImageTaskSchema,
  type ResolveOutput,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { forgetNames } from '../support/forget-image.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { registry as devRegistry } from '../support/odoo-services.ts'
import { pushTestImage } from '../support/push-test-image.ts'
import { startPythonIndex } from '../support/python-index.ts'
import { copyImage, startRegistry, type TestRegistry } from '../support/registry.ts'

// A registry that lets nobody in without a password, from the base image to the removal of what nobody needs.

const password = 'registry-pass'
// Of that password, with the least work that bcrypt takes.
const htpasswd = 'builder:$2b$05$Qv012Z0nlsuJgLxyWCTnZuib5Y0lAJuQrZPgBcx.xSzdgb7j7sI8S'

let registry: TestRegistry
let project: ImageProject
let index: Awaited<ReturnType<typeof startPythonIndex>>
let credentials: Record<string, string>
let baseImage: string
const built: BuildImageOutput[] = []
const login = { username: 'reader', password: 'index "pass" \\ word' }

beforeAll(async () => {
  registry = await startRegistry({ htpasswd })
  credentials = {
    [`registry:${registry.host}/USERNAME`]: 'builder',
    [`registry:${registry.host}/PASSWORD`]: password,
  }
  project = await createImageProject({
    registryHost: registry.host,
    credentials,
    baseImages: [`${registry.host}/bases/odoo`],
  })
  index = await startPythonIndex(login)
  credentials[`python:${index.host}/USERNAME`] = login.username
  credentials[`python:${index.host}/PASSWORD`] = login.password
  index.addWheel('fw-alpha', '1.0')
  baseImage = `${registry.host}/bases/odoo:19.0`
  const { host } = registry
  const repository = project.imageRepository.slice(host.length + 1)
  for (const to of [
    { host, repository: 'bases/odoo', tag: '19.0' },
    { host, repository },
  ])
    await copyImage({ host: devRegistry, repository: 'fairway/odoo', tag: '19.0' }, to, {
      username: 'builder',
      password,
    })
}, 300_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  if (registry && project) await forgetNames(project.services.docker.docker, `${registry.host}/`)
  await project?.[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
}, 120_000)

const filesOf = (code: string) => ({
  'fairway.yaml': `base_image: ${baseImage}\npython: { index: ${index.url} }\n`,
  'requirements.txt': 'fw-alpha\n',
  ...addon('shop', '', code),
})
const collect = (keepDigests: string[], minAgeMs = 0, imageRepository = project.imageRepository) => {
  const task = project.newTask()
  const credentialRefs = Object.keys(credentials).map((name) => ({ name, version: 1 }))
  const input = create(CollectImagesTaskSchema, { imageRepository, keepDigests, credentials: credentialRefs })
  return collectImages(project.services, { minAgeMs })(input, task.context).then((output) => ({
    output,
    task,
  }))
}
const inRegistry = (tag: string) =>
  findInRegistry(project.services.docker, `${project.imageRepository}:${tag}`, registriesOf(credentials))

test('without credentials one is told which to set', async () => {
  const anonymous = project.resolve(filesOf(''), { credentials: [] })
  await expect(anonymous).rejects.toMatchObject({
    reason: 'registry-denied',
    message: expect.stringMatching(
      new RegExp(
        `registry ${registry.host} wants credentials for .*credential set PROJECT registry ${registry.host}$`,
      ),
    ),
  })
})

test('base, packages and image come and go with credentials, which stay nowhere', async () => {
  const resolved: ResolveOutput[] = []
  for (const code of ['', 'x = 1\n', 'x = 2\n']) {
    const task = project.newTask()
    resolved.push(await project.resolve(filesOf(code), {}, task))
    built.push(await project.build(resolved.at(-1)!, task))
    const said = JSON.stringify([task.lines, [...task.artifacts], task.warnings])
    expect(said).not.toContain(password)
    expect(said).not.toContain('index "pass"')
    expect(said).not.toContain('index \\"pass')
  }
  expect(index.requests).toContain('reader@/simple/fw-alpha/')
  expect(resolved[0]!.baseImage.startsWith(`${registry.host}/bases/odoo@sha256:`)).toBe(true)
  const { docker } = project.services.docker
  const history = JSON.stringify(await docker.getImage(built[0]!.reference).history())
  const inspected = JSON.stringify(await docker.getImage(built[0]!.reference).inspect())
  for (const text of [history, inspected]) expect(text).not.toMatch(/registry-pass|index .{0,3}pass/)
}, 240_000)

test('an index that wants another password is named, with what to set', async () => {
  const wrong = await createImageProject({
    credentials: { ...credentials, [`python:${index.host}/PASSWORD`]: 'wrong' },
    baseImages: [`${registry.host}/bases/odoo`],
  })
  await using _disposed = wrong
  await expect(wrong.resolve(filesOf(''))).rejects.toMatchObject({
    reason: 'python-index-denied',
    message: `the package index refuses ${index.url}/fw-alpha/ (HTTP 401): set the project's credential for it: fairway credential set PROJECT python ${index.host}`,
  })
}, 60_000)

test('wrong passwords are told from none', async () => {
  const wrong = { ...credentials, [`registry:${registry.host}/PASSWORD`]: 'wrong' }
  await expect(
    findInRegistry(project.services.docker, `${project.imageRepository}:x`, registriesOf(wrong)),
  ).rejects.toMatchObject({ reason: 'registry-denied', message: expect.stringContaining('refuses') })
})

test('images that nothing needs go, on the host and in the registry; what is kept stays', async () => {
  const { docker } = project.services.docker
  const [first, , third] = built.map(({ digest }) => digest) as [string, string, string]
  const used = await docker.createContainer({ Image: built[1]!.reference, Cmd: ['true'] })
  try {
    expect((await collect([first], 3_600_000)).output.removedDigests).toEqual([])
    const { output, task } = await collect([first])
    expect(task.warnings).toEqual([])
    // The second is in use here, and what the others stand on is kept with them.
    expect(output.removedDigests).toEqual([third])
    const there = await docker.listImages()
    const digests = there.flatMap(({ RepoDigests }) => RepoDigests ?? [])
    expect(digests).toEqual(expect.arrayContaining([built[0]!.reference, built[1]!.reference]))
    expect(digests).not.toContain(built[2]!.reference)
    const { Config } = await docker.getImage(built[0]!.reference).inspect()
    const below = Config.Labels['dev.fairway.on']!
    const environment = `${project.imageRepository}@${below}`
    expect(await findInRegistry(project.services.docker, environment, registriesOf(credentials))).toBe(below)
    expect((await collect([first])).output.removedDigests).toEqual([])
    // Others' images are not looked at.
    expect((await collect([], 0, `${registry.host}/bases/odoo`)).output.removedDigests).toEqual([])
    expect(await findInRegistry(project.services.docker, baseImage, registriesOf(credentials))).toBeDefined()
  } finally {
    await used.remove({ force: true })
  }
}, 60_000)

test('what was collected is built again under its key', async () => {
  const resolved = await project.resolve(filesOf('x = 2\n'))
  expect(await inRegistry(resolved.imageKey)).toBeUndefined()
  const again = await project.build(resolved)
  expect(again.built).toBe(true)
  expect(await inRegistry(resolved.imageKey)).toBe(again.digest)
}, 60_000)

test('what left the host is fetched with credentials before it is run, and what left the registry is named', async () => {
  const { docker } = project.services
  const [image] = built as [BuildImageOutput]
  const fetch = (reference: string, names: readonly string[]) => {
    const task = project.newTask()
    const refs = names.map((name) => ({ name, version: 1 }))
    const input = create(FetchImageTaskSchema, { reference, credentials: refs })
    return fetchImage(project.services)(input, task.context)
  }
  const names = Object.keys(credentials)
  expect(await fetch(image.reference, names)).toMatchObject({ pulled: false })
  await forgetNames(docker.docker, image.reference)
  await expect(fetch(image.reference, [])).rejects.toMatchObject({
    reason: 'registry-denied',
    message: expect.stringContaining(`registry ${registry.host} wants credentials`),
  })
  const fetched = await fetch(image.reference, names)
  expect(fetched.pulled).toBe(true)
  expect((await docker.docker.getImage(image.reference).inspect()).Size).toBe(Number(fetched.sizeBytes))
  const gone = image.reference.replace(/[0-9a-f]{64}$/, '0'.repeat(64))
  await expect(fetch(gone, names)).rejects.toMatchObject({ reason: 'image-unavailable' })
  await expect(fetch(image.reference.replace(/@.*/, ':latest'), names)).rejects.toMatchObject({
    reason: 'image-not-pinned',
  })
}, 60_000)

test('a registry that forbids deletion is a warning', async () => {
  await using strict = await startRegistry({ deletion: false })
  const { docker } = project.services
  const imageRepository = `${strict.host}/test/small`
  const tag = `${imageRepository}:x`
  const instructions = ['FROM scratch', 'ADD small /', 'LABEL dev.fairway.key="x"']
  const image = await pushTestImage(docker, tag, instructions, { small: 'small' })
  const task = project.newTask()
  const input = create(CollectImagesTaskSchema, { imageRepository, keepDigests: [] })
  const output = await collectImages(project.services, { minAgeMs: 0 })(input, task.context)
  // From the host it goes nevertheless.
  expect(output).toMatchObject({ removedDigests: [image.digest], freedBytes: 5n })
  expect(task.warnings.join()).toContain('does not let images')
  expect(await findInRegistry(docker, tag)).toBe(image.digest)
}, 60_000)
