import { expect } from 'vitest'
import { neverAway, type ReleaseRunName, releaseRuns } from '../faults/release-steps.ts'
import { type DockerGate, startDockerGate } from './docker-gate.ts'
import { expectProduction, expectTasks } from './expect-agreement.ts'
import { createKillPoints, type KillPoints, type Point, type Step } from './kill-points.ts'
import { createReleasePlayer, type Ended, type ReleasePlayer } from './release-player.ts'
import { type ReleaseShop, startReleaseShop, type Version } from './release-shop.ts'
import { waitFor } from './wait-for.ts'
import { awayAfter, watchProduction } from './watch-production.ts'

/** Who dies, and when. */
export interface Kill extends Point {
  readonly victim: 'server' | 'agent'
}

export interface Patient {
  readonly shop: ReleaseShop
  readonly player: ReleasePlayer
  readonly points: KillPoints
  /** The agent's. */
  readonly docker: DockerGate
  close(): Promise<void>
}

/** A shop on a stack of its own, whose server and agent are there to be killed, and Docker to be away. */
export async function startPatient(staged: readonly Version[]): Promise<Patient> {
  const docker = await startDockerGate()
  const shop = await startReleaseShop('survival', staged, { env: { DOCKER_HOST: docker.address } })
  const points = await createKillPoints(shop.test.databaseUrl())
  return {
    shop,
    points,
    docker,
    player: createReleasePlayer(shop),
    async close() {
      await points.end()
      await docker.open()
      await shop.test.close()
      await docker[Symbol.asyncDispose]()
    },
  }
}

export interface Survival {
  readonly deaths: number
  /** From the last return of what was killed until nobody was sent away any more. */
  readonly answersMs: number
}

/** Once the killed process is back production answers within this time, whatever was under way; as docs/releases.md says. */
export const answersWithinMs = 60_000

/** Every moment at which the victim can die in such a run. */
export function killsOf(name: ReleaseRunName, victim: Kill['victim']): Kill[] {
  const { tasks, effects } = releaseRuns[name]
  const of = (kind: Step['kind'], moment: Point['moment'], steps: readonly string[]): Kill[] =>
    [...new Set(steps)].map((step) => ({ victim, kind, moment, name: step }))
  return [
    ...of('task', 'begun', tasks),
    ...(victim === 'agent' ? of('task', 'standing', tasks) : of('effect', 'standing', effects)),
  ]
}

/** Lets such a run have those deaths, in the order in which their moments come, and looks at what it leaves. */
export async function survive(
  { shop, player, points }: Patient,
  name: ReleaseRunName,
  kills: readonly Kill[],
): Promise<Survival> {
  // What a case that failed may have left.
  await points.openAll()
  await player.prepare(name)
  await points.close(stepsOf(kills))
  const watch = watchProduction(shop.url)
  try {
    const runId = await player.begin(name)
    const { backAt, status, reason } = await untilEnded({ shop, player, points }, runId, kills)
    await watch.stop()
    const { ends } = releaseRuns[name]
    expect(status, reason).toBe(ends)
    const fine = neverAway.includes(name) ? [200] : [200, 503]
    expect(watch.answers.filter((answer) => !fine.includes(Number(answer.status)))).toEqual([])
    const answersMs = awayAfter(watch.answers, backAt)
    expect(answersMs, 'ms until production answers').toBeLessThan(answersWithinMs)
    await expectTasks(shop, runId, ends === 'failed' ? { 'apply:update': 1 } : {})
    await expectProduction(shop, player.now)
    return { deaths: kills.length, answersMs }
  } finally {
    await watch.stop()
  }
}

/** Whatever happens, the run ends with everybody alive: it is not in the way of the next case. */
async function untilEnded(
  { shop, player, points }: Pick<Patient, 'shop' | 'player' | 'points'>,
  runId: string,
  kills: readonly Kill[],
): Promise<Ended & { readonly backAt: number }> {
  const { stack } = shop.test
  try {
    const backAt = await dieInTurn(shop, points, runId, kills)
    return { backAt, ...(await player.ended()) }
  } catch (error) {
    await points.openAll()
    await stack.startServer()
    await stack.startAgent()
    await player.ended()
    throw error
  }
}

/** Gives when the last victim was back. */
async function dieInTurn(
  { test }: ReleaseShop,
  points: KillPoints,
  runId: string,
  kills: readonly Kill[],
): Promise<number> {
  const left = [...kills]
  let backAt = 0
  const next = async () => {
    const [run] = await test.query<{ status: string }>('select status from runs where id = $1', [runId])
    expect(run?.status, `the run is not over before ${left.map(wordsOf).join(', ')}`).toMatch(
      /^(queued|running)$/,
    )
    for (const kill of left) if (await points.reached(runId, kill)) return kill
    return undefined
  }
  while (left.length > 0) {
    const kill = await waitFor(left.map(wordsOf).join(' or '), next, 180_000)
    left.splice(left.indexOf(kill), 1)
    await test.stack.endProcess(kill.victim, 'SIGKILL')
    // What the dead server's connection holds must not stand in the way of the next server.
    if (!left.some((other) => isSameStep(other, kill))) await points.open(kill)
    await (kill.victim === 'server' ? test.stack.startServer() : test.stack.startAgent())
    backAt = performance.now()
  }
  return backAt
}

const isSameStep = (one: Step, other: Step) => one.kind === other.kind && one.name === other.name

const stepsOf = (kills: readonly Kill[]): Kill[] =>
  kills.filter((kill, index) => kills.findIndex((other) => isSameStep(other, kill)) === index)

export const wordsOf = ({ victim, kind, name, moment }: Kill): string =>
  kind === 'effect'
    ? `${victim} writing ${name}`
    : `${victim} ${moment === 'begun' ? 'during' : 'done with'} ${name}`
