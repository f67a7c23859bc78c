import { describe, expect, it } from 'vitest'
import { createLeases } from './leases.ts'

const ref = { taskId: 't', epoch: 1 }

describe('leases', () => {
  it('are held until the monotonic clock passes them, counted from when they were asked for', () => {
    let now = 1_000
    const leases = createLeases(() => now)
    expect(leases.isHeld(ref)).toBe(false)
    leases.extend([ref], 500, 1_000)
    expect(leases.isHeld(ref)).toBe(true)
    now = 1_500
    expect(leases.isHeld(ref)).toBe(false)
    expect(leases.isHeld({ ...ref, epoch: 2 })).toBe(false)
  })

  it('never get shorter by an older answer', () => {
    let now = 0
    const leases = createLeases(() => now)
    leases.extend([ref], 1_000, 1_000)
    leases.extend([ref], 0, 1_000)
    now = 1_999
    expect(leases.isHeld(ref)).toBe(true)
  })

  it('are waited for while they have run out, and no longer than the task lives', async () => {
    let now = 0
    const leases = createLeases(() => now)
    const { signal } = new AbortController()
    leases.extend([ref], 0, 100)
    await leases.held(ref, signal)
    now = 5_000
    const waiting = leases.held(ref, signal)
    // An answer that came too late to be of use wakes nobody.
    leases.extend([ref], 0, 200)
    leases.extend([ref], 4_990, 100)
    await waiting

    now = 9_000
    const aborting = new AbortController()
    const aborted = leases.held(ref, aborting.signal)
    aborting.abort(new Error('fenced'))
    await expect(aborted).rejects.toThrow('fenced')
  })

  it('survive an event loop that was busy: the next answer restores them, nothing is lost meanwhile', async () => {
    let now = 0
    const leases = createLeases(() => now)
    leases.extend([ref], 0, 30_000)
    // Busy for a minute: no timer ran, no renewal was sent.
    now = 60_000
    const step = leases.held(ref, new AbortController().signal)
    leases.extend([ref], now, 30_000)
    await step
    expect(leases.isHeld(ref)).toBe(true)
  })
})
