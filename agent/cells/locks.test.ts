import { describe, expect, it } from 'vitest'
import { createLocks } from './locks.ts'

const never = new AbortController().signal

describe('locks of cells', () => {
  it('runs one after the other for one cell, and not at all after others', async () => {
    const withLock = createLocks()
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = withLock('a', never, async () => {
      await gate.promise
      order.push('first')
    })
    const second = withLock('a', never, async () => void order.push('second'))
    await withLock('b', never, async () => void order.push('other'))
    gate.resolve()
    await Promise.all([first, second])
    expect(order).toEqual(['other', 'first', 'second'])
  })

  it('gives up waiting when aborted, without letting anyone else in', async () => {
    const withLock = createLocks()
    const gate = Promise.withResolvers<void>()
    let inside = 0
    const first = withLock('a', never, async () => {
      inside += 1
      await gate.promise
      inside -= 1
    })
    const controller = new AbortController()
    const second = withLock('a', controller.signal, async () => undefined)
    const third = withLock('a', never, async () => inside)
    controller.abort(new Error('cancelled'))
    await expect(second).rejects.toThrow('cancelled')
    gate.resolve()
    await first
    expect(await third).toBe(0)
  })

  it('goes on after a failure', async () => {
    const withLock = createLocks()
    await expect(withLock('a', never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await withLock('a', never, async () => 'next')).toBe('next')
  })
})
