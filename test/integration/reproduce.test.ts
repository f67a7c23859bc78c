import { describe, expect, it } from 'vitest'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { contentOf, playBuild } from '../support/releases.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// A second host builds what goes to production, and has to come to the same image. The agents' parts are played.

const { tenant, context, play, runOf, tasksOf, served, policy } = useReleases()

const required = 'approvals: { production-deploy: none }\npromotion: { reproduce: required }\n'

async function host(name: string, status: 'online' | 'offline' = 'online'): Promise<string> {
  const values = { organization_id: tenant().organizationId, name, status }
  const { id } = await tenant().scope((tx) =>
    tx.insertInto('hosts').values(values).returning('id').executeTakeFirstOrThrow(),
  )
  return id
}

/** What the second host answers when it comes to the image of that content. */
const reproduced = (content: string) => ({
  ...updated,
  reproduce: { reference: '', digest: digestOf(content), reproduced: true },
})

async function promote(answers: Record<string, unknown> = updated): Promise<string> {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { answers })
  return runId
}

const comparisons = async (runId: string) => (await tasksOf(runId)).filter(({ key }) => key === 'reproduce')
const failure = (text: RegExp) => ({ status: 'failed', reason: expect.stringMatching(text) })

async function provenanceOf(runId: string) {
  const row = await tenant().scope((tx) =>
    tx
      .selectFrom('statements')
      .select('bundle_sha256')
      .where('run_id', '=', runId)
      .where('name', '=', 'provenance')
      .executeTakeFirstOrThrow(),
  )
  const bundle = JSON.parse((await context().blobs.get(row.bundle_sha256)).toString())
  return JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()).predicate.buildDefinition
}

describe('where the policy does not ask for it', () => {
  it('no second host builds anything', async () => {
    await policy('approvals: { production-deploy: none }\n')
    await host('builder')
    const runId = await promote()
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await comparisons(runId)).toEqual([])
    expect((await provenanceOf(runId)).internalParameters).not.toHaveProperty('reproducedBy')
  })
})

describe('where the policy asks for it', () => {
  it('nothing goes to production without a second host, and the run says so', async () => {
    await policy(required)
    await host('asleep', 'offline')
    const runId = await promote()
    expect(await runOf(runId)).toMatchObject(failure(/promotion\.reproduce.* shop-host built.* online/))
    expect(await comparisons(runId)).toEqual([])
    expect(await served()).toMatchObject({ digest: digestOf('one') })
  })

  it('another host builds what the first one built, and the evidence says that it came to the same', async () => {
    await policy(required)
    await host('zeta')
    const hostId = await host('builder')
    const runId = await promote(reproduced('two'))
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await served()).toMatchObject({ digest: digestOf('two') })
    const [task, ...others] = await comparisons(runId)
    expect(others).toEqual([])
    expect(task).toMatchObject({ host_id: hostId, kind: 'buildImage', authorization_id: null })
    const { buildImage: first } = (await staged()) as { buildImage: object }
    expect(task?.spec).toEqual({ buildImage: { ...first, reproduce: true } })
    const at = task?.finished_at?.toISOString()
    const proof = [{ host: 'builder', hostId, digest: digestOf('two'), run: runId, at }]
    const manifest = JSON.parse((await context().blobs.get((await runOf(runId)).manifest_sha256)).toString())
    expect(manifest.reproductions).toEqual(proof)
    // Who compares is none of those who built.
    expect(manifest.imageBuilders.map(({ host }: { host: string }) => host)).toEqual(['shop-host'])
    expect((await provenanceOf(runId)).internalParameters.reproducedBy).toEqual(proof)
  })

  it('another digest stops the release before production is touched, with both hosts in the audit log', async () => {
    await policy(required)
    await host('builder')
    const runId = await promote(reproduced('something else'))
    const run = await runOf(runId)
    expect(run).toMatchObject(failure(/shop-host built .*, and builder came to /))
    expect(run.reason).toContain(digestOf('two'))
    expect(run.reason).toContain(digestOf('something else'))
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toEqual(['inspectCell', 'buildImage'])
    expect(await served()).toMatchObject({ digest: digestOf('one') })
    const events = await tenant().scope((tx) =>
      tx
        .selectFrom('audit_events')
        .select(['subject_id', 'details'])
        .where('action', '=', 'image.not-reproduced')
        .execute(),
    )
    expect(events).toMatchObject([
      {
        subject_id: runId,
        details: { builders: ['shop-host'], host: 'builder', reproduced: digestOf('something else') },
      },
    ])
  })

  it('an agent that took what was there has reproduced nothing', async () => {
    await policy(required)
    await host('builder')
    const found = { ...(contentOf('two').buildImage as object), built: false }
    const runId = await promote({ ...updated, reproduce: found })
    expect(await runOf(runId)).toMatchObject(failure(/agent of builder is too old/))
    expect(await served()).toMatchObject({ digest: digestOf('one') })
  })

  it('what was reproduced before is not built again, by a push either', async () => {
    await policy(required)
    await host('builder')
    const first = await promote(reproduced('two'))
    const pushed = await playBuild(context(), tenant(), 'main', 'two', { answers: updated })
    expect(await runOf(pushed.runId)).toMatchObject({ status: 'succeeded' })
    expect(await comparisons(pushed.runId)).toEqual([])
    expect((await runOf(pushed.runId)).record).toMatchObject({
      reproductions: [{ host: 'builder', run: first }],
    })
  })

  it('a push goes live only with it', async () => {
    await policy(required)
    await host('builder')
    const answers = (content: string) => ({ ...contentOf('three'), ...reproduced(content) })
    const wrong = await playBuild(context(), tenant(), 'main', 'three', { answers: answers('planted') })
    expect(await runOf(wrong.runId)).toMatchObject(failure(/builder came to/))
    const right = await playBuild(context(), tenant(), 'main', 'three', { answers: answers('three') })
    expect(await runOf(right.runId)).toMatchObject({ status: 'succeeded' })
    expect(await served()).toMatchObject({ digest: digestOf('three') })
  })

  it('holds a release too that was under way when the policy came', async () => {
    await host('builder')
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { answers: updated, untilApproval: true })
    await policy('promotion: { reproduce: required }\n')
    await play(runId, { answers: updated })
    expect(await runOf(runId)).toMatchObject(failure(/since this was asked for: release it again/))
    expect(await served()).toMatchObject({ digest: digestOf('one') })
  })
})

/** What the staging build asked for. */
async function staged(): Promise<unknown> {
  const { runId } = await served('release/1.0')
  return (await tasksOf(runId)).find(({ kind }) => kind === 'buildImage')?.spec
}
