import { describe, expect, test } from 'vitest'
import type { Neutrality } from '../storage/neutrality.ts'
import { inheritNeutrality, worse } from '../storage/neutrality.ts'
import type { Cell, Stage } from '../storage/records.ts'
import { requireNeutral, type Use } from './gate.ts'

const serve: Use = { kind: 'serve' }
const change = (secrets = false, taskId = 'this'): Use => ({ kind: 'change', taskId, secrets })
const neutralize: Use = { kind: 'neutralize' }

function answer(neutrality: Neutrality | undefined, image: string, use: Use, stage: Stage = 'staging') {
  const cell = { id: 'c', stage, neutrality, images: ['production'] } as unknown as Cell
  try {
    requireNeutral(cell, image, use)
    return 'allowed'
  } catch (error) {
    return (error as { reason: string }).reason
  }
}

describe('what an image may do with a cell', () => {
  test.each<[string, Neutrality | undefined, string, Use, string]>([
    ['raw is not served', { state: 'raw' }, 'production', serve, 'not-neutral'],
    ['raw gets no candidate', { state: 'raw' }, 'candidate', change(), 'image-not-of-production'],
    [
      'raw is not neutralized by a candidate',
      { state: 'raw' },
      'candidate',
      neutralize,
      'image-not-of-production',
    ],
    ['raw is neutralized by what production runs', { state: 'raw' }, 'production', neutralize, 'allowed'],
    ['raw gets no secrets', { state: 'raw' }, 'production', change(true), 'not-neutral'],
    ['a record of before is raw', undefined, 'candidate', neutralize, 'image-not-of-production'],
    ['a record of before is not served', undefined, 'production', serve, 'not-neutral'],
    ['neutral is served', { state: 'neutral' }, 'candidate', serve, 'allowed'],
    ['neutral is changed with secrets', { state: 'neutral' }, 'candidate', change(true), 'allowed'],
    ['changed is not served', { state: 'changed', by: 'this' }, 'candidate', serve, 'not-neutral'],
    ['changed is neutralized again', { state: 'changed', by: 'this' }, 'candidate', neutralize, 'allowed'],
    ['its own task goes on', { state: 'changed', by: 'this' }, 'candidate', change(true), 'allowed'],
    [
      'another task gets no secrets',
      { state: 'changed', by: 'other' },
      'candidate',
      change(true),
      'not-neutral',
    ],
    ['nor one without a name', { state: 'changed' }, 'candidate', change(true, ''), 'not-neutral'],
    ['what never held production is free', { state: 'free' }, 'candidate', change(true), 'allowed'],
  ])('%s', (_, neutrality, image, use, expected) => {
    expect(answer(neutrality, image, use)).toBe(expected)
  })

  test('production itself serves, also by a record of before', () => {
    expect(answer(undefined, 'any', serve, 'production')).toBe('allowed')
  })

  test('where nobody knows what production runs, nothing touches its copy', () => {
    const cell = { id: 'c', stage: 'staging', neutrality: { state: 'raw' } } as unknown as Cell
    expect(() => requireNeutral(cell, 'any', neutralize)).toThrow(/does not know what production runs/)
  })
})

describe('a copy is never better than what it is a copy of', () => {
  test.each<[Stage, Neutrality | undefined, Stage, Neutrality['state']]>([
    ['production', undefined, 'staging', 'raw'],
    ['production', { state: 'free' }, 'development', 'raw'],
    ['production', { state: 'free' }, 'production', 'free'],
    ['production', { state: 'raw' }, 'production', 'raw'],
    ['staging', { state: 'raw' }, 'staging', 'raw'],
    ['staging', { state: 'raw' }, 'production', 'raw'],
    ['staging', { state: 'changed' }, 'development', 'changed'],
    ['staging', { state: 'neutral' }, 'staging', 'neutral'],
    ['development', { state: 'free' }, 'production', 'free'],
    ['development', undefined, 'development', 'raw'],
  ])('of %s (%o) in %s: %s', (stage, neutrality, to, state) => {
    expect(inheritNeutrality({ stage, neutrality }, to).state).toBe(state)
  })

  test('previews’ prepared snapshots of before it was on record never held production’s data', () => {
    const of = (stage: Stage, purpose: string) => inheritNeutrality({ stage, purpose }, 'development').state
    expect(of('development', 'prepared')).toBe('free')
    expect(of('staging', 'prepared')).toBe('raw')
    expect(of('production', 'prepared')).toBe('raw')
    expect(of('development', 'failed')).toBe('raw')
  })

  test('the task that changes one may not go on in its copy', () => {
    expect(
      inheritNeutrality({ stage: 'staging', neutrality: { state: 'changed', by: 't' } }, 'staging'),
    ).toEqual({
      state: 'changed',
    })
  })

  test('of two that it may be, it is the worse', () => {
    expect(worse({ state: 'neutral' }, { state: 'raw' }).state).toBe('raw')
    expect(worse({ state: 'changed' }, { state: 'neutral' }).state).toBe('changed')
  })
})
