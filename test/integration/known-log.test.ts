import { expect, it } from 'vitest'
import type { Play } from '../support/play-run.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { useReleases } from '../support/use-releases.ts'

// What production's Odoo logs is no fault of what comes next.

const { context, tenant, rehearsed, promoted, tasksOf } = useReleases()

const issue = {
  fingerprint: 'f'.repeat(64),
  level: 'ERROR',
  logger: 'odoo.addons.sentry.hooks',
  sample: 'SENTRY_DSN is not set',
  count: 1,
}
const checks = [{ name: 'health', passed: true, durationMs: '300' }]
const logging: Play['answers'] = { smoke: { checks, log: { issues: [issue] } } }
const quiet: Play['answers'] = { smoke: { checks, log: {} } }

/** What the smoke task of a run was told of the log. */
async function rulesIn(runId: string) {
  const task = (await tasksOf(runId)).find(({ kind }) => kind === 'smoke')
  return (task?.spec as { smoke?: { log?: object } })?.smoke?.log
}

it('what its release logged is known to every later candidate, and to a rehearsal', async () => {
  const build = await playBuild(context(), tenant(), 'main', 'three', { answers: logging })
  const staged = await playBuild(context(), tenant(), releaseBranch, 'four', { answers: quiet })
  expect(await rulesIn(staged.runId)).toEqual({ knownFingerprints: [issue.fingerprint] })
  const rehearsal = await rehearsed({ answers: quiet })
  expect(await rulesIn(rehearsal)).toEqual({ knownFingerprints: [issue.fingerprint], servingOnly: true })
  expect(await rulesIn(await promoted({ answers: quiet }))).toEqual({
    knownFingerprints: [issue.fingerprint],
  })
  // Its own log was looked at when nothing was known yet.
  expect(await rulesIn(build.runId)).toEqual({ servingOnly: true })
})

it('without a look at production’s log nobody knows what is new, and a line of the project’s own is passed on', async () => {
  const line = { logger: 'odoo.addons.sentry.hooks', begins: 'SENTRY_DSN' }
  const { resolve } = contentOf('five')
  const staged = await playBuild(context(), tenant(), releaseBranch, 'five', {
    answers: { ...quiet, resolve: { ...(resolve as object), config: { knownLog: [line] } } },
  })
  expect(await rulesIn(staged.runId)).toEqual({ servingOnly: true, knownLines: [line] })
})
