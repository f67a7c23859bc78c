import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CurrentTask, currentTask } from '../../lib/threads/current-task.ts'
import { OfferSchema, type TaskResult } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { SmokeOutputSchema, SmokeTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createLogger } from '../logger.ts'
import { createLeases } from './leases.ts'
import { type LinkStore, openLinkStore } from './store.ts'
import { createTaskRunner } from './task-runner.ts'
import { createUnmaskedSecrets } from './unmasked-secrets.ts'

let directory: string
let store: LinkStore

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-runner-'))
  store = openLinkStore(directory, 1024 ** 2)
})
afterEach(() => {
  store.close()
  rmSync(directory, { recursive: true })
})

test('whatever a task starts is known to be its own, and its project’s', async () => {
  const seen = new Map<string, CurrentTask | undefined>()
  const together = Promise.withResolvers<void>()
  const results: TaskResult[] = []
  const both = Promise.withResolvers<void>()
  const runner = createTaskRunner({
    ...store,
    secrets: { of: async () => ({}) },
    unmasked: createUnmaskedSecrets(),
    leases: createLeases(),
    guard: { admit: async (_offer, _acceptedAtMs, context) => ({ context, done: async () => undefined }) },
    handlers: {
      async smoke(_input, context) {
        if (seen.set(context.project, undefined).size === 2) together.resolve()
        await together.promise
        seen.set(context.project, currentTask())
        return create(SmokeOutputSchema)
      },
    },
    log: createLogger('silent', (text) => text),
    onResult: (result) => void (results.push(result) === 2 && both.resolve()),
  })
  for (const project of ['shop', 'depot'])
    runner.offer(
      create(OfferSchema, {
        task: { taskId: project, epoch: 1 },
        project,
        projectId: `id-of-${project}`,
        environmentId: `environment-of-${project}`,
        logStreamId: `log-of-${project}`,
        timeoutMs: 60_000n,
        leaseMs: 60_000,
        spec: { kind: { case: 'smoke', value: create(SmokeTaskSchema) } },
      }),
      () => undefined,
    )
  await both.promise
  await runner.drain(0)
  for (const project of ['shop', 'depot'])
    expect(seen.get(project)?.owner).toEqual({
      projectId: `id-of-${project}`,
      environmentId: `environment-of-${project}`,
    })
  expect(currentTask()).toBeUndefined()
})
