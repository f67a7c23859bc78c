import { afterAll, beforeAll, describe, it } from 'vitest'
import { expectProduction } from '../../support/expect-agreement.ts'
import { expectDirty } from '../../support/expect-dirty.ts'
import { type Patient, startPatient } from '../../support/survive.ts'
import { failBack, giveUp } from '../../support/way-back.ts'
import { type WayBackName, waysBack } from '../release-steps.ts'

// All that puts production back fails, with a real agent that Docker is away from: once, twice, and until somebody gives the
// run up.

let patient: Patient

beforeAll(async () => {
  patient = await startPatient(['plain', 'badge', 'extra'])
})
afterAll(() => patient?.close())

const cases = (Object.keys(waysBack) as WayBackName[]).flatMap((name) =>
  waysBack[name].tasks.map((task) => [name, task] as const),
)

const longMs = 10 * 60_000

describe.each(cases)('%s, of which putting back fails in %s', (name, task) => {
  it.each([1, 2])('is put back after %i failures', (times) => failBack(patient, name, task, times), longMs)
})

/** What is put back after the data: they are whole, and what was served serves them again. */
const afterData: readonly string[] = ['start-current', 'route-current']

const ofProduction = cases.filter(
  ([name, task]) => waysBack[name].run !== 'a rehearsal' && (task === 'restore' || afterData.includes(task)),
)

describe.each(ofProduction)('%s, given up in %s', (name, task) => {
  it(
    'is mended by hand',
    async () => {
      const { shop, player } = patient
      await giveUp(patient, name, task, async () => {
        if (task === 'restore') {
          await expectDirty(shop, name === 'an update that fails')
          await player.restore()
        } else await shop.test.stack.cli('env', 'start', 'shop/production')
        await expectProduction(shop, player.now)
      })
    },
    longMs,
  )
})
