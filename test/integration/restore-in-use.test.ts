import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createContainer,
  hardenedHostConfig,
  labelsFor,
  listContainers,
} from '../../agent/containers/docker.ts'
import { inspectBeside } from '../../agent/containers/inspection.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'

let rig: StorageRig
beforeAll(async () => {
  rig = await createRig('reflink')
}, 60_000)
afterAll(() => rig?.remove(), 60_000)

const limits = { ...hardenedHostConfig(LIMITS), NetworkMode: 'none' }

async function createCell() {
  const environmentId = randomUUID()
  const cell = await rig.cells.create(
    { id: randomUUID(), environmentId, stage: 'staging', postgresImage: POSTGRES_IMAGE, limits: LIMITS },
    rig.step,
  )
  const request = { id: randomUUID(), cellId: cell.id, purpose: 'raw', quiesce: true }
  return { environmentId, cell, snapshot: await rig.cells.snapshot(request, rig.step) }
}

const inspectionOf = (cell: string, environment: string) => ({
  Image: POSTGRES_IMAGE,
  Entrypoint: ['sleep', '600'],
  AttachStdin: true,
  OpenStdin: true,
  StdinOnce: true,
  Labels: labelsFor(rig.host, { role: 'inspection', cell, environment }),
  HostConfig: limits,
})

test('nothing is put back under a runtime that fails over and over, however long Docker waits to start it again', async () => {
  const { environmentId, cell, snapshot } = await createCell()
  const container = await createContainer(rig.host, {
    name: `fairway-test-${randomUUID()}`,
    Image: POSTGRES_IMAGE,
    Entrypoint: ['false'],
    Labels: labelsFor(rig.host, { role: 'odoo', cell: cell.id, environment: environmentId }),
    HostConfig: { ...limits, RestartPolicy: { Name: 'unless-stopped' } },
  })
  await container.start()
  // Docker waits twice as long each time: from the sixth on there is time to look.
  for (;;) {
    const { State, RestartCount } = await container.inspect()
    if (State.Restarting && RestartCount >= 6) break
    await delay(20)
  }
  await expect(rig.cells.restore(cell.id, snapshot.id, rig.step)).rejects.toMatchObject({
    reason: 'cell-in-use',
  })
}, 180_000)

test('a runtime that ends while the look beside it begins leaves none behind, so that the data can be put back', async () => {
  const { environmentId, cell } = await createCell()
  const begin = (signal: AbortSignal, ready: (signal: AbortSignal) => Promise<void>) =>
    inspectBeside(
      rig.host,
      inspectionOf(cell.id, environmentId),
      randomUUID(),
      'exit',
      { signal, requireLease: async () => {} },
      ready,
    )
  const left = () => listContainers(rig.host, { role: 'inspection', cell: cell.id })
  // Docker may be slower than the runtime's end: what was asked of it is waited for.
  const died = begin(new AbortController().signal, () => Promise.reject(new Error('Odoo ended')))
  await expect(died).rejects.toThrow('Odoo ended')
  expect(await left()).toEqual([])
  const cancelled = AbortSignal.abort(new Error('cancelled'))
  await expect(begin(cancelled, async (signal) => signal.throwIfAborted())).rejects.toThrow('cancelled')
  expect(await left()).toEqual([])
  await begin(new AbortController().signal, async () => {})
  expect(await left()).toMatchObject([{ State: 'running' }])
}, 180_000)

test('a look that an agent left behind goes when the data are put back', async () => {
  const { environmentId, cell, snapshot } = await createCell()
  const container = await createContainer(rig.host, {
    ...inspectionOf(cell.id, environmentId),
    name: `fairway-test-${randomUUID()}`,
  })
  await container.start()
  await rig.cells.restore(cell.id, snapshot.id, rig.step)
  expect(await listContainers(rig.host, { role: 'inspection', cell: cell.id })).toEqual([])
}, 180_000)
