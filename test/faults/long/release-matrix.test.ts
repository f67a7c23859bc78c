import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Kill, killsOf, type Patient, startPatient, survive, wordsOf } from '../../support/survive.ts'
import { type ReleaseRunName, releaseRuns } from '../release-steps.ts'

// Server and agent die at every step of every way to production and back. First one after the other in one run, also in
// each transaction of the server's and between each effect of the agent's and its acknowledgement; then in the middle of
// one task of a run alone, so that no later death mends what an earlier one broke.

let patient: Patient

beforeAll(async () => {
  patient = await startPatient(['plain', 'badge', 'extra'])
})
afterAll(() => patient?.close())

const names = Object.keys(releaseRuns) as ReleaseRunName[]
const victims = ['server', 'agent'] as const
const longMs = 30 * 60_000

async function kill(name: ReleaseRunName, kills: readonly Kill[]): Promise<void> {
  const { deaths, answersMs } = await survive(patient, name, kills)
  console.info(
    `${name}: ${deaths} deaths, production answers ${Math.round(answersMs)} ms after the last return`,
  )
}

describe.each(names)('%s', (name) => {
  it.each(victims)(
    'survives the %s killed at each of its steps',
    (victim) => kill(name, killsOf(name, victim)),
    longMs,
  )
})

describe.each(names)('%s', (name) => {
  const alone = victims.flatMap((victim) => killsOf(name, victim)).filter(({ moment }) => moment === 'begun')
  it.each(alone.map((one) => [wordsOf(one), one] as const))('survives the %s killed, alone', (_, one) =>
    kill(name, [one]),
  )
})

it('leaves an audit log that verifies', async () => {
  const { stack } = patient.shop.test
  await stack.cli('audit', 'export', '-o', stack.path('audit.jsonl'))
  await stack.cli('audit', 'verify', stack.path('audit.jsonl'))
})
