import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchImage } from '../../agent/tasks/fetch-image.ts'
import { FetchImageTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { forgetNames } from '../support/forget-image.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { registry } from '../support/odoo-services.ts'
import { pushTestImage } from '../support/push-test-image.ts'

// Base images whose configuration would have the host do something. A service on loopback notices who asks.

let project: ImageProject
let service: Server
let address: string
const requests: string[] = []
/** What the service answers, by path. */
const served = new Map<string, string>()

beforeAll(async () => {
  project = await createImageProject({ baseImages: [`${registry}/*`] })
  service = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.end(served.get(request.url ?? '') ?? 'what only this host may know')
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
}, 120_000)

afterAll(async () => {
  service?.close()
  if (project) await forgetNames(project.services.docker.docker, `${project.imageRepository}-`)
  await project?.[Symbol.asyncDispose]()
}, 60_000)

const own = addon('shop')

test.each([
  ['onbuild-add', () => [`ONBUILD ADD ${address}/add /tmp/loot`], 'it has ONBUILD instructions'],
  ['onbuild-run', () => ['ONBUILD RUN touch /tmp/was-here'], 'it has ONBUILD instructions'],
  ['label', () => ['LABEL fairway.environment=1'], 'it has the label fairway.environment'],
])(
  'nothing is made of an image with %s',
  async (name, instructions, fault) => {
    requests.length = 0
    const base = await pushTestImage(project.services.docker, `${project.imageRepository}-${name}:19.0`, [
      `FROM ${registry}/fairway/odoo:19.0`,
      ...instructions(),
    ])
    const outcomes: unknown[] = []
    const attempt = (promise: Promise<unknown>) =>
      promise.then(
        () => outcomes.push('done'),
        (error) => outcomes.push(error),
      )
    await attempt(project.resolve({ 'fairway.yaml': `base_image: ${base.reference}\n`, ...own }))
    // A server that asks for it all the same, with what was resolved on another base.
    const task = project.newTask()
    const resolved = await project.resolve({ 'fairway.yaml': '', ...own })
    await attempt(project.build({ ...resolved, baseImage: base.reference, imageKey: 'e'.repeat(64) }, task))
    // As a release of it would.
    const fetching = create(FetchImageTaskSchema, { reference: base.reference })
    await attempt(fetchImage(project.services)(fetching, project.newTask().context))

    expect(requests).toEqual([])
    expect(task.lines.map(({ text }) => text).join('\n')).not.toContain('Executing')
    const refused = { reason: 'image-refused', message: expect.stringContaining(fault) }
    expect(outcomes).toMatchObject([refused, refused, refused])
  },
  120_000,
)

test('of an image that the policy does not name nothing is asked for', async () => {
  // Its registry is a service that notices who asks.
  const evil = `${address.replace('http://', '')}/evil/odoo`
  const files = (reference: string) => ({ 'fairway.yaml': `base_image: ${reference}\n`, ...own })
  const imageRules = { registries: ['*'], baseImages: [`${registry}/fairway/odoo`] }
  const digest = `sha256:${'a'.repeat(64)}`
  const resolved = await project.resolve({ 'fairway.yaml': '', ...own })
  requests.length = 0
  const refused = { reason: 'base-image-forbidden', message: expect.stringContaining(`["${evil}"]`) }
  for (const reference of [`${evil}:19.0`, `${evil}@${digest}`])
    await expect(project.resolve(files(reference), { imageRules })).rejects.toMatchObject(refused)
  // A lock of the repository pins nothing beyond what is allowed either.
  const lock = {
    'fairway.lock': `${JSON.stringify({
      ...JSON.parse(await lockOf(files(`${registry}/fairway/odoo:19.0`))),
      base: { digest, image: `${evil}:19.0` },
    })}\n`,
  }
  await expect(project.resolve({ ...files(`${evil}:19.0`), ...lock }, { imageRules })).rejects.toMatchObject(
    refused,
  )
  const key = 'd'.repeat(64)
  const building = project.build({ ...resolved, baseImage: `${evil}@${digest}`, imageKey: key }, undefined, {
    imageRules,
  })
  await expect(building).rejects.toMatchObject(refused)
  // Servers that send no rules are older, and their agents take nothing.
  const silent = { imageRules: undefined }
  const untold = { reason: 'base-image-forbidden', message: expect.stringContaining('update it first') }
  await expect(project.resolve({ 'fairway.yaml': '', ...own }, silent)).rejects.toMatchObject(untold)
  await expect(project.build({ ...resolved, imageKey: key }, undefined, silent)).rejects.toMatchObject(untold)
  expect(requests).toEqual([])
}, 120_000)

test('layers are fetched from nowhere but the registry', async () => {
  const host = address.replace('http://', '')
  const layer = { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: 1 }
  const zeros = `sha256:${'0'.repeat(64)}`
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: 2, digest: zeros },
    layers: [{ ...layer, digest: zeros, urls: [`${address}/loot`] }],
  })
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`
  served.set(`/v2/evil/odoo/manifests/${digest}`, manifest)
  requests.length = 0
  const imageRules = { registries: ['*'], baseImages: [`${host}/evil/odoo`] }
  const files = { 'fairway.yaml': `base_image: ${host}/evil/odoo@${digest}\n`, ...own }
  await expect(project.resolve(files, { imageRules })).rejects.toMatchObject({
    reason: 'image-refused',
    message: expect.stringContaining('layers at addresses of their own'),
  })
  expect(requests).toEqual([`/v2/evil/odoo/manifests/${digest}`])
}, 60_000)

async function lockOf(files: Record<string, string>): Promise<string> {
  const task = project.newTask()
  await project.resolve(files, {}, task)
  return task.artifacts.get('lock.json') ?? ''
}
