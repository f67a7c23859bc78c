import { describe, expect, it } from 'vitest'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { digestOf, ref, useReleases } from '../support/use-releases.ts'

// Plans are made from what production's database has, not from what the last release meant it to have.

const { tenant, context, play, plan, runOf, tasksOf, served, rehearsed } = useReleases()

const shop = { installed: ['base', 'shop'], chosen: ['shop'] }
const withExtra = { installed: ['base', 'extra', 'shop'], chosen: ['extra', 'shop'] }
const withoutShop = { installed: ['base', 'extra'], chosen: ['extra'] }
const promote = (planSha256: string) => promoteRelease(context(), tenant().caller, { ...ref, planSha256 })
/** An agent that found that in production, and in the clones of it. */
const found = (contents: unknown) => ({
  inspectCell: { contents },
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', copyMs: '100', bytes: '5', contents },
})

describe('a promotion', () => {
  it('of a plan that was shown before somebody looked goes on where as much is to be done', async () => {
    const runId = await promote((await plan()).sha256)
    await play(runId, { answers: found(withExtra) })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
  })

  it('of a plan that was shown before somebody looked is not done where it would do something else', async () => {
    const shown = await plan()
    const runId = await promote(shown.sha256)
    await play(runId, { answers: found(withoutShop) })
    const { status, reason } = await runOf(runId)
    expect({ status, reason }).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^production is not/),
    })
    const now = await plan()
    expect(now.modules.map(({ name, action, why }) => `${name} ${action} ${why}`)).toEqual([
      'extra none installed by hand',
      'shop install uninstalled in Apps, and wanted by the project',
    ])
    expect(now.sha256).not.toBe(shown.sha256)
    const again = await promote(now.sha256)
    await play(again, { answers: found(withoutShop) })
    expect(await runOf(again)).toMatchObject({ status: 'succeeded' })
    expect((await served()).digest).toBe(digestOf('two'))
  })

  it('that was approved for another database touches nothing', async () => {
    await rehearsed({ answers: found(shop) })
    const runId = await promote((await plan()).sha256)
    await play(runId, { answers: { ...found(shop), 'contents:approved': { contents: withExtra } } })
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('(extra was installed): release it again'),
    })
    expect((await tasksOf(runId)).map(({ name }) => name)).not.toContain('room')
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('asks the agent to make sure of the database, and says what is in the image', async () => {
    const runId = await promote('')
    await play(runId, { answers: found(shop) })
    const apply = (await tasksOf(runId)).find(({ key }) => key === 'apply:update')
    expect(apply?.spec).toMatchObject({
      applyModules: {
        update: ['shop'],
        plannedFrom: { installed: ['base', 'shop'], recorded: true },
        addons: { shop: expect.stringMatching(/^[0-9a-f]{40}$/) },
        baseImage: expect.stringContaining('@sha256:'),
      },
    })
  })
})
