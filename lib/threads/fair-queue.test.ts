import { describe, expect, test } from 'vitest'
import { createFairQueue, type FairQueueLimits, type Place } from './fair-queue.ts'

/** Who came in, in this order; and how to end the turn of one. */
function open(limits: FairQueueLimits) {
  const queue = createFairQueue(limits)
  const entered: string[] = []
  const places = new Map<string, Place>()
  const settled = async () => {
    for (let count = 0; count < 10; count++) await undefined
  }
  return {
    entered,
    /** `A1`: the first that the owner A asks for. */
    async ask(...names: string[]): Promise<void> {
      for (const name of names)
        queue.enter(name[0]!).then((place) => {
          entered.push(name)
          places.set(name, place)
        })
      await settled()
    },
    async end(...names: string[]): Promise<void> {
      for (const name of names) {
        places.get(name)![Symbol.dispose]()
        await settled()
      }
    },
    enter: queue.enter,
    settled,
  }
}

const many = (owner: string, count: number) => Array.from({ length: count }, (_, index) => `${owner}${index}`)

describe('places', () => {
  test('go to owners by turns, however many one of them asks for', async () => {
    const { ask, end, entered } = open({ places: 1, placesPerOwner: 1 })
    await ask(...many('A', 200), 'B0', 'B1', 'C0')
    await end('A0', 'B0', 'C0', 'A1', 'B1', 'A2')
    expect(entered).toEqual(['A0', 'B0', 'C0', 'A1', 'B1', 'A2', 'A3'])
  })

  test('go to one who asks for one after the other in each round', async () => {
    const { ask, end, entered } = open({ places: 1, placesPerOwner: 1 })
    await ask(...many('A', 200), ...many('C', 200), 'B0')
    await end('A0', 'C0', 'B0')
    await ask('B1')
    await end('A1', 'C1', 'B1')
    expect(entered).toEqual(['A0', 'C0', 'B0', 'A1', 'C1', 'B1', 'A2'])
  })

  test('are never all of one owner’s where it may not have all', async () => {
    const { ask, end, entered } = open({ places: 2, placesPerOwner: 1 })
    await ask(...many('A', 200))
    expect(entered).toEqual(['A0'])
    await ask('B0')
    await end('B0')
    await ask('B1', 'B2')
    await end('B1')
    expect(entered).toEqual(['A0', 'B0', 'B1', 'B2'])
  })

  test('that are given up go to who came while they were taken, and not to who had them', async () => {
    const { ask, end, entered } = open({ places: 2, placesPerOwner: 1 })
    await ask(...many('A', 200), ...many('C', 200), 'B0')
    await end('A0')
    expect(entered).toEqual(['A0', 'C0', 'B0'])
  })

  test('are all of one owner’s where it may have all and nobody else asks', async () => {
    const { ask, end, entered } = open({ places: 2, placesPerOwner: 2 })
    await ask(...many('A', 4), 'B0')
    await end('A0', 'A1')
    expect(entered).toEqual(['A0', 'A1', 'B0', 'A2'])
  })
})

describe('who goes before their turn', () => {
  test('is told why, and holds up nobody', async () => {
    const { ask, end, enter, entered } = open({ places: 1, placesPerOwner: 1 })
    await ask('A0')
    const leaving = new AbortController()
    const [own, foreign] = [enter('A', leaving.signal), enter('B', leaving.signal)]
    await ask('A1', 'B1')
    leaving.abort(new Error('gone'))
    await expect(own).rejects.toThrow('gone')
    await expect(foreign).rejects.toThrow('gone')
    await end('A0', 'B1')
    expect(entered).toEqual(['A0', 'B1', 'A1'])
    await expect(enter('C', leaving.signal)).rejects.toThrow('gone')
  })

  test('just as it comes has it still, and gives it back', async () => {
    const { ask, end, enter, entered } = open({ places: 1, placesPerOwner: 1 })
    await ask('A0')
    const leaving = new AbortController()
    const entering = enter('B', leaving.signal)
    await ask('C0')
    const ending = end('A0')
    leaving.abort(new Error('too late'))
    await ending
    expect(entered).toEqual(['A0'])
    const place = await entering
    place[Symbol.dispose]()
    await ask()
    expect(entered).toEqual(['A0', 'C0'])
  })
})
