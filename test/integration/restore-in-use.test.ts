import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createContainer, hardenedHostConfig, labelsFor } from '../../agent/containers/docker.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'

let rig: StorageRig
beforeAll(async () => {
  rig = await createRig('reflink')
}, 60_000)
afterAll(() => rig?.remove(), 60_000)

test('nothing is put back under a runtime that fails over and over, however long Docker waits to start it again', async () => {
  const environmentId = randomUUID()
  const cell = await rig.cells.create(
    { id: randomUUID(), environmentId, stage: 'staging', postgresImage: POSTGRES_IMAGE, limits: LIMITS },
    rig.step,
  )
  const request = { id: randomUUID(), cellId: cell.id, purpose: 'raw', quiesce: true }
  const snapshot = await rig.cells.snapshot(request, rig.step)
  const container = await createContainer(rig.host, {
    name: `fairway-test-${randomUUID()}`,
    Image: POSTGRES_IMAGE,
    Entrypoint: ['false'],
    Labels: labelsFor(rig.host, { role: 'odoo', cell: cell.id, environment: environmentId }),
    HostConfig: {
      ...hardenedHostConfig(LIMITS),
      NetworkMode: 'none',
      RestartPolicy: { Name: 'unless-stopped' },
    },
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
