import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create, toJsonString } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveImage } from '../../agent/containers/images.ts'
import { postgresName } from '../../agent/containers/postgres.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import { ApplyModulesTaskSchema, InspectCellTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createBank, findFaults } from '../support/bank.ts'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { createRig, createStep, LIMITS, POSTGRES_IMAGE } from '../support/storage.ts'
import { createTask } from '../support/task-context.ts'

// An agent that is killed while production's data are between two states, and the server never heard of again.

describe('a restore that is killed', { timeout: 120_000 }, () => {
  it.each(['btrfs', 'copy'] as const)(
    'leaves the cell dirty on %s until one comes through',
    async (driver) => {
      const rig = await createRig(driver)
      try {
        const cell = await rig.cells.create(
          {
            id: randomUUID(),
            environmentId: randomUUID(),
            stage: 'production',
            postgresImage: POSTGRES_IMAGE,
            limits: LIMITS,
          },
          rig.step,
        )
        await createBank(cell)
        const take = (purpose: string) =>
          rig.cells.snapshot({ id: randomUUID(), cellId: cell.id, purpose, quiesce: false }, rig.step)
        const { id } = await take('safety')
        const killAt = async (question: number) => {
          const arguments_ = [rig.pool.root, rig.host.agentId, cell.id, id, String(question)]
          await killWhen('restore-child.ts', arguments_, 'standing')
        }
        // Before anything of it has changed.
        await killAt(1)
        expect((await rig.pool.requireCell(cell.id)).dirty).toBeUndefined()
        // Between the new content's start and its confirmation; it is the way back of an update that failed.
        const since = '2026-01-02T03:04:05.000Z'
        const { signal } = rig.step
        await rig.cells.note(cell.id, () => ({ dirty: { why: 'update', since, by: 'the update' } }), signal)
        await killAt(2)
        expect(await rig.pool.requireCell(cell.id)).toMatchObject({ dirty: { why: 'restore', since } })
        await expect(take('safety')).rejects.toMatchObject({ reason: 'dirty' })
        // A crash in the middle of undoing it: there is nothing that PostgreSQL could be started on.
        await rig.host.docker.getContainer(postgresName(cell.id)).kill()
        const undone = join(rig.pool.root, 'making', `${randomUUID()}.0`)
        await mkdir(undone)
        await rename(join(cell.paths.root, 'content'), join(undone, 'content'))
        const nothing = { recovered: [], failed: [] }
        expect(await rig.cells.recoverAfterBoot(signal)).toEqual(nothing)
        // The old content returns where nobody takes the restore up; whether it was whole nobody can tell.
        await rig.cells.collectOrphans({ isBusy: () => false }, signal)
        expect(await rig.cells.recoverAfterBoot(signal)).toEqual(nothing)
        await expect(take('safety')).rejects.toMatchObject({ reason: 'dirty' })
        await rig.cells.restore(cell.id, id, createStep(2))
        expect((await rig.pool.requireCell(cell.id)).dirty).toBeUndefined()
        expect(await findFaults(cell)).toEqual([])
        await take('safety')
      } finally {
        await rig.remove()
      }
    },
  )
})

describe('an update that is killed', { timeout: 240_000 }, () => {
  let services: TestServices
  let handlers: TaskHandlers
  const cellId = randomUUID()

  beforeAll(async () => {
    services = await createTestServices()
    handlers = createTaskHandlers(services)
    await services.cells.create(
      {
        id: cellId,
        environmentId: randomUUID(),
        stage: 'production',
        postgresImage: POSTGRES_IMAGE,
        limits: LIMITS,
      },
      createStep(),
    )
  }, 60_000)
  afterAll(() => services?.[Symbol.asyncDispose](), 60_000)

  it('leaves production dirty for all but its own task, which makes it whole', async () => {
    const taskId = randomUUID()
    const input = create(ApplyModulesTaskSchema, {
      cellId,
      image: (await resolveImage(services.docker, `${registry}/fairway/odoo:19.0`)).reference,
      install: ['base'],
      expectInstalled: ['base'],
    })
    await killWhen(
      'update-child.ts',
      [
        services.pool.root,
        services.agentId,
        services.workDirectory,
        taskId,
        toJsonString(ApplyModulesTaskSchema, input),
      ],
      'updating',
    )
    expect(await services.pool.requireCell(cellId)).toMatchObject({ dirty: { why: 'update', by: taskId } })
    const look = () => handlers.inspectCell(create(InspectCellTaskSchema, { cellId }), createTask().context)
    await expect(look()).rejects.toMatchObject({ reason: 'dirty' })
    await expect(handlers.applyModules(input, createTask().context)).rejects.toMatchObject({
      reason: 'dirty',
    })
    const again = createTask(taskId)
    await handlers.applyModules(input, again.context)
    expect((await services.pool.requireCell(cellId)).dirty).toBeUndefined()
    await look()
  })
})

async function killWhen(script: string, given: readonly string[], text: string): Promise<void> {
  const path = fileURLToPath(new URL(`../support/${script}`, import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [path, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes(text) && resolve())
    child.once('exit', () => reject(new Error(`${script} ended before it said ${text}`)))
  })
  child.kill('SIGKILL')
  await exited
}
