import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openFailed } from '../../server/services/environments/open-failed.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { keepsPreviews, keptPreviews, testsFail } from '../support/kept-previews.ts'
import { createKillPoints, type KillPoints } from '../support/kill-points.ts'
import type { Play } from '../support/play-run.ts'
import { contentOf, releaseBranch } from '../support/releases.ts'
import { arrangeBuild } from '../support/tenant.ts'
import { ref, useReleases } from '../support/use-releases.ts'
import { waitFor } from '../support/wait-for.ts'
import { stepOf } from './release-steps.ts'

// What is opened of failures, with the connection lost in every change of it in turn: what comes of it is the same, once.

const releases = useReleases({ shared: true })
const { tenant, context, ownerUrl, play, runOf, tasksOf, policy, asOwner } = releases
const { forget, findEnvironment, audited } = keptPreviews(releases)

let points: KillPoints
let failedUpdate: string

beforeAll(async () => {
  points = await createKillPoints(ownerUrl())
  await policy(keepsPreviews)
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { failures: { 'apply:update': { status: 'failed', reason: 'x', error: 'no' } } })
  failedUpdate = runId
})
afterEach(() => points.openAll())
afterAll(() => points?.end())

interface Begun {
  readonly runId: string
  readonly environment: string
  readonly how: Play
}

const openUpdate = async (): Promise<Begun> => {
  const wanted = { runId: failedUpdate, code: 'before', lifetimeSeconds: 0 } as const
  return { ...(await openFailed(context(), tenant().caller, wanted)), how: {} }
}

let contents = 0
const keepPreview = async (): Promise<Begun> => {
  const { runId, number } = await arrangeBuild(context(), tenant(), releaseBranch)
  const answers = contentOf(`content ${++contents}`)
  return { runId, environment: `failed-${number}`, how: { answers, failures: { 'apply:update': testsFail } } }
}

const effectsOf = async (runId: string) =>
  (await asOwner('select key from effects where run_id = $1 order by key', [runId])).map(({ key }) =>
    stepOf(key as string),
  )

async function outcomeOf({ runId, environment }: Begun) {
  const { status, result, record } = await runOf(runId)
  const kept = await findEnvironment(environment)
  const cells = await asOwner('select status from cells where environment_id = $1', [kept?.id])
  return {
    run: {
      status,
      result,
      kept: (record as { kept?: { environmentId: string } }).kept?.environmentId === kept?.id,
    },
    tasks: (await tasksOf(runId)).map(({ name, status: of }) => `${name} ${of}`),
    effects: [...new Set(await effectsOf(runId))],
    environment: kept?.status,
    cells: cells.map((row) => row.status),
    audited: (await audited('environment.keep')).length + (await audited('environment.open-failed')).length,
  }
}

/** Plays the run to its end, and cuts the server off from its database in each of these steps. */
async function playDying({ runId, how }: Begun, steps: ReadonlySet<string>): Promise<void> {
  const gateOf = (name: string) => ({ kind: 'effect', name, moment: 'standing' }) as const
  const left = new Set(steps)
  await points.close([...left].map(gateOf))
  while (left.size > 0) {
    const played = play(runId, how).then(
      () => 'over' as const,
      (error: unknown) => error as Error,
    )
    let end: Awaited<typeof played> | undefined
    void played.then((how) => {
      end = how
    })
    const step = await waitFor(`one of ${[...left].join(', ')}`, async () => {
      if (end !== undefined) throw new Error(`it ended before ${[...left].join(', ')}`, { cause: end })
      for (const name of left) if (await points.reached(runId, gateOf(name))) return name
      return undefined
    })
    await points.cut(gateOf(step))
    await points.open(gateOf(step))
    left.delete(step)
    expect(await played, `cut off in ${step}`).toBeInstanceOf(Error)
  }
  await play(runId, how)
}

it.each([
  ['a copy of what a failed update left', openUpdate],
  ['the preview of failed tests', keepPreview],
] as const)(
  '%s',
  async (_, begin) => {
    await forget()
    const undisturbed = await begin()
    await play(undisturbed.runId, undisturbed.how)
    const expected = await outcomeOf(undisturbed)
    expect(expected).toMatchObject({ run: { kept: true }, cells: ['active'], audited: 1 })

    await forget()
    const dying = await begin()
    await playDying(dying, new Set(expected.effects))
    expect(await outcomeOf(dying)).toEqual(expected)
  },
  120_000,
)
