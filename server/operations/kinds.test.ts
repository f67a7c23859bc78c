import { expect, it } from 'vitest'
import type { RunKind } from '../db/tables/runs.ts'
import { goesLive } from '../runs/define.ts'
import { kindsThat, runKinds } from './kinds.ts'
import { operations } from './registry.ts'

const kinds = Object.keys(runKinds) as RunKind[]

it.each(kinds)('%s is itself wherever it is looked up', (kind) => {
  expect(runKinds[kind].kind).toBe(kind)
  expect(operations[kind].definition).toBe(runKinds[kind])
})

it.each(kinds)('%s names its steps once each, and leaves the last one to the engine', (kind) => {
  for (const stage of ['production', 'staging', 'development'] as const) {
    const steps = runKinds[kind].steps(stage)
    expect(steps.length).toBeGreaterThan(0)
    expect(steps).not.toContain('record')
    expect(new Set(steps).size).toBe(steps.length)
  }
})

it('what goes live waits for its turn, and stands beside nothing', () => {
  const both = kindsThat((definition) => goesLive(definition) && definition.besideOthers)
  expect(both).toEqual([])
})
