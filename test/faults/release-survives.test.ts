import { afterAll, beforeAll, it } from 'vitest'
import { expectProduction } from '../support/expect-agreement.ts'
import { expectDirty } from '../support/expect-dirty.ts'
import { type Kill, killsOf, type Patient, startPatient, survive } from '../support/survive.ts'
import { failBack, giveUp } from '../support/way-back.ts'
import type { ReleaseRunName } from './release-steps.ts'

// The deaths that would hurt most; those at all other steps are in long/release-matrix.test.ts,
// and all that puts things back fails in long/way-back-matrix.test.ts.

let patient: Patient

beforeAll(async () => {
  patient = await startPatient(['badge', 'extra'])
}, 300_000)
afterAll(() => patient?.close(), 120_000)

type Death = readonly [victim: Kill['victim'], step: string]

/** Kills of the list, so that a step which is no more is no case either. */
function killsAt(name: ReleaseRunName, deaths: readonly Death[]): Kill[] {
  return deaths.flatMap(([victim, step]) => {
    const kills = killsOf(name, victim).filter((kill) => kill.name === step)
    if (kills.length === 0) throw new Error(`${name} has no step ${step} for the ${victim} to die in`)
    return kills
  })
}

const cases: [name: ReleaseRunName, ...deaths: Death[]][] = [
  ['a promotion whose update fails', ['agent', 'restore']],
  ['a promotion that updates modules', ['agent', 'apply:update'], ['server', 'route'], ['server', 'live']],
  ['a rollback with data', ['agent', 'restore']],
]

const told = (deaths: readonly Death[]) =>
  deaths.map(([victim, step]) => `the ${victim} in ${step}`).join(', ')

it.each(cases.map(([name, ...deaths]) => [name, told(deaths), deaths] as const))(
  '%s leaves production as it should be, with %s killed',
  async (name, _, deaths) => {
    await survive(patient, name, killsAt(name, deaths))
  },
)

const updateFails = 'an update that fails'

it('puts the data back in the third attempt, where Docker was away in the first two', async () => {
  await failBack(patient, updateFails, 'restore', 2)
})

it('leaves no Odoo of a release that was given up on production’s data', async () => {
  const { shop, player } = patient
  await giveUp(patient, 'a change of code whose route fails', 'route-current', async () => {
    await shop.test.stack.cli('env', 'start', 'shop/production')
    await expectProduction(shop, player.now)
  })
})

it('leaves data that were given up to nobody, and puts them back by hand', async () => {
  const { shop, player } = patient
  await giveUp(patient, updateFails, 'restore', async () => {
    await expectDirty(shop, true)
    await player.restore()
    await expectProduction(shop, player.now)
  })
})
