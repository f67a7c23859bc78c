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

beforeAll(async () => {
  project = await createImageProject()
  service = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.end('what only this host may know')
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
