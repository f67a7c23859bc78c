import { timestampDate } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import type { ContentsRecord } from '../../server/db/record.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import type { Play } from '../support/play-run.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// Plans are made from what production's database has, not from what the last release meant it to have.

const { asOwner, tenant, context, play, plan, runOf, tasksOf, served, rehearsed } = useReleases()

const shop = { installed: ['base', 'shop'], chosen: ['shop'] }
const withExtra = { installed: ['base', 'extra', 'shop'], chosen: ['extra', 'shop'] }
const withoutShop = { installed: ['base', 'extra'], chosen: ['extra'] }
const promote = async (planSha256: string) =>
  (await promoteRelease(context(), tenant().caller, { ...ref, planSha256 })).runId
/** An agent that found that in production, and in the clones of it. */
const found = (contents: unknown) => ({
  inspectCell: { contents },
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', copyMs: '100', bytes: '5', contents },
})

describe('what was seen', () => {
  const seenAt = (minute: number) => `2026-02-03T04:0${minute}:00Z`
  const seen = async () =>
    (
      await tenant().scope((tx) =>
        tx
          .selectFrom('environments')
          .select('contents')
          .where('stage', '=', 'production')
          .executeTakeFirstOrThrow(),
      )
    ).contents as ContentsRecord | null

  it('is told with the plan, and when it was; so is that nobody has looked', async () => {
    const asked = await plan()
    expect(asked.databaseSeenAt).toBeUndefined()
    expect(asked.hints).toContainEqual(
      expect.stringMatching(
        /^no host has looked into production’s database yet.*: fairway release rehearse shop /,
      ),
    )
    await rehearsed({ answers: found({ ...shop, seenAt: seenAt(4) }) })
    const { databaseSeenAt, hints } = await plan()
    expect(databaseSeenAt && timestampDate(databaseSeenAt)).toEqual(new Date(seenAt(4)))
    expect(hints).not.toContainEqual(expect.stringMatching(/^no host has looked/))
  })

  it('is not written over what was seen later, nor over what was released since', async () => {
    await rehearsed({ answers: found({ ...withExtra, seenAt: seenAt(6) }) })
    await rehearsed({ answers: found({ ...shop, seenAt: seenAt(5) }) })
    expect((await seen())?.installed).toEqual(withExtra.installed)
    // The clone of a rehearsal has ended, and a release goes live before its run goes on.
    let released = false
    const afterTask = async (kind: string) => {
      if (kind !== 'cloneCell' || released) return
      released = true
      await play(await promote(''), { answers: found({ ...withExtra, seenAt: seenAt(7) }) })
    }
    const startedBefore = await startRehearsal(context(), tenant().caller, ref)
    await play(startedBefore, { answers: found({ ...shop, seenAt: seenAt(8) }), afterTask })
    expect((await served()).digest).toBe(digestOf('two'))
    expect((await seen())?.installed).not.toEqual(shop.installed)
  })

  it('is not written over by a release that leaves the data, where somebody looked while it was under way', async () => {
    const { buildImage } = contentOf('the same modules')
    const stage = (answers: Play['answers']) =>
      playBuild(context(), tenant(), releaseBranch, 'one', { answers: { buildImage, ...answers } })
    await stage({})
    const runId = await promote('')
    let looked = false
    const afterTask = async (kind: string) => {
      if (kind !== 'startRuntime' || looked) return
      looked = true
      await stage(found({ ...withExtra, seenAt: seenAt(6) }))
    }
    await play(runId, { answers: found({ ...shop, seenAt: seenAt(5) }), afterTask })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', record: { updatedModules: [] } })
    expect((await seen())?.installed).toEqual(withExtra.installed)
  })

  it('of data that a release has changed since is not kept, whenever it was seen', async () => {
    const afterTask = async (kind: string) => {
      if (kind !== 'applyModules') return
      const former = JSON.stringify({ ...withoutShop, seenAt: seenAt(9) })
      await asOwner("update environments set contents = $1 where stage = 'production'", [former])
    }
    const applyModules = { ...updated.applyModules, contents: { ...shop, seenAt: seenAt(5) } }
    const runId = await promote('')
    await play(runId, { answers: { ...found({ ...shop, seenAt: seenAt(4) }), applyModules }, afterTask })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', record: { updatedModules: ['shop'] } })
    expect(await seen()).toMatchObject({
      installed: shop.installed,
      seenAt: expect.stringContaining('04:05'),
    })
  })
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
