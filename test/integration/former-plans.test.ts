import { expect, it } from 'vitest'
import type { RunRecord } from '../../server/db/record.ts'
import { hashSubject } from '../../server/governance/authorizations.ts'
import type { PlanDocument } from '../../server/releases/plan.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { ref, updated, useReleases } from '../support/use-releases.ts'

// A run that waits for its approval while the server is upgraded to one whose plans say what the database has.

const { tenant, context, asOwner, play, runOf } = useReleases()
const answering = (installed: readonly string[]) => ({
  ...updated,
  inspectCell: { contents: { installed, chosen: ['shop'] } },
})

/** Rehearsed, and waiting, with what a server of before had written of it: it asked no host, and planned in other words. */
async function waitingSinceBefore(): Promise<{ runId: string; approved: string }> {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { answers: updated, untilApproval: true })
  const record = (await runOf(runId)).record as RunRecord
  const { database: _, renames: __, ...former } = JSON.parse(record.plan ?? '') as PlanDocument
  const { text: plan, sha256: planSha256 } = hashSubject(former)
  const asFormer = { ...record, plan, planSha256, rehearsal: { ...record.rehearsal, planSha256 } }
  const [approval] = await asOwner('select subject from approvals where run_id = $1', [runId])
  const asked = hashSubject({ ...JSON.parse(approval?.subject as string), plan: planSha256 })
  for (const [text, ...values] of [
    ['update runs set record = $2 where id = $1', JSON.stringify(asFormer)],
    [`delete from tasks where run_id = $1 and key = 'contents:plan'`],
    [`delete from effects where run_id = $1 and key in ('at-rest:plan', 'contents-seen:plan')`],
    [
      `update effects set value = jsonb_set(value, '{planSha256}', to_jsonb($2::text))
        where run_id = $1 and key = 'rehearsal-verdict'`,
      planSha256,
    ],
    ['update approvals set subject = $2, subject_sha256 = $3 where run_id = $1', asked.text, asked.sha256],
  ] as const)
    await asOwner(text, [runId, ...values])
  return { runId, approved: asked.sha256 }
}

const requestsOf = (runId: string) =>
  tenant().scope((tx) =>
    tx.selectFrom('approvals').select(['status', 'subject_sha256']).where('run_id', '=', runId).execute(),
  )

it('is done as it was approved where that is what the database needs', async () => {
  const { runId, approved } = await waitingSinceBefore()
  await play(runId, { answers: answering(['base', 'crm', 'shop']) })
  expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
  expect(await requestsOf(runId)).toEqual([{ status: 'used', subject_sha256: approved }])
})

it('ends before production is touched where the database needs something else', async () => {
  const { runId } = await waitingSinceBefore()
  await play(runId, { answers: answering(['base']) })
  expect(await runOf(runId)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/^production is not what it was/),
  })
})
