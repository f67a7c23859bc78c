import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import { lookAtPasswordsDaily } from '../../server/runs/password-looks.ts'
import { listEnvironments } from '../../server/services/environments/environment-views.ts'
import { startEnvironment, stopEnvironment } from '../../server/services/environments/environments.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { useReleases } from '../support/use-releases.ts'

// Whether production lets in whoever has the password that every Odoo has: also where nothing is deployed.

const { tenant, context, play, runOf, asOwner } = useReleases()
const production = create(EnvironmentRefSchema, { project: 'shop', environment: 'production' })
const finds = (...logins: string[]) => ({ answers: { inspectCell: { defaultPasswords: { logins } } } })

async function defaultLogins(): Promise<string[] | undefined> {
  const filter = { project: 'shop', includeDestroyed: false }
  const environments = await listEnvironments(context(), tenant().caller, filter as never)
  return environments.find(({ name }) => name === 'production')?.defaultLogins
}

/** Nobody has looked for that long. */
const leave = (hours: number) =>
  asOwner(
    `update cells set passwords_looked_at = now() - $1 * interval '1 hour' where organization_id = $2 and stage = 'production'`,
    [hours, tenant().organizationId],
  )

const looks = () =>
  tenant().scope((tx) =>
    tx
      .selectFrom('runs')
      .select(['id', 'trigger', 'status'])
      .where('kind', '=', 'inspect')
      .orderBy('created_at')
      .execute(),
  )

it('is looked at once a day, and red from then on until nobody gets in any more', async () => {
  await leave(23)
  await lookAtPasswordsDaily(context())
  expect(await looks()).toEqual([])
  await leave(25)
  await Promise.all([lookAtPasswordsDaily(context()), lookAtPasswordsDaily(context())])
  await lookAtPasswordsDaily(context())
  const [look, ...others] = await looks()
  expect([look?.trigger, others]).toEqual(['system', []])
  await play(look?.id ?? '', finds('admin'))
  expect(await runOf(look?.id ?? '')).toMatchObject({
    status: 'succeeded',
    result: 'green',
    record: { defaultLogins: ['admin'] },
  })
  expect(await defaultLogins()).toEqual(['admin'])

  await leave(25)
  await lookAtPasswordsDaily(context())
  // Its host may be away for weeks.
  await leave(25)
  await lookAtPasswordsDaily(context())
  expect(await looks()).toHaveLength(2)
  const next = (await looks()).find(({ id }) => id !== look?.id)
  await play(next?.id ?? '', finds())
  expect(await defaultLogins()).toEqual([])
})

it('stays as it was seen where the host could not look, or does not tell', async () => {
  for (const how of [
    finds('admin'),
    { failures: { inspectCell: { status: 'failed', reason: 'x', error: 'no such database' } as const } },
    { answers: { inspectCell: {} } },
  ]) {
    await leave(25)
    await lookAtPasswordsDaily(context())
    const open = (await looks()).find(({ status }) => status === 'queued')
    await play(open?.id ?? '', how)
    expect(await defaultLogins()).toEqual(['admin'])
  }
  const untold = (await looks()).at(-1)
  expect(await runOf(untold?.id ?? '')).toMatchObject({
    result: 'yellow',
    warnings: [expect.stringContaining('this host’s agent does not tell')],
  })
})

it('is looked at soon after it was started, whose run does not wait for that', async () => {
  const { runId: stop } = await stopEnvironment(context(), tenant().caller, production)
  await play(stop)
  await lookAtPasswordsDaily(context())
  expect(await looks()).toEqual([])
  const { runId } = await startEnvironment(context(), tenant().caller, production)
  // A host that cannot look holds nothing up.
  await play(runId, {
    failures: { inspectCell: { status: 'failed', reason: 'x', error: 'no such database' } as const },
  })
  expect(await runOf(runId)).toMatchObject({ status: 'succeeded', result: 'green' })
  await lookAtPasswordsDaily(context())
  const [look] = await looks()
  await play(look?.id ?? '', finds('admin'))
  expect(await defaultLogins()).toEqual(['admin'])
})

it('is left alone where it does not run, or its project has ended', async () => {
  const { runId } = await stopEnvironment(context(), tenant().caller, production)
  await play(runId)
  await leave(25)
  await lookAtPasswordsDaily(context())
  await archiveProject(context(), tenant().caller, 'shop')
  await leave(25)
  await lookAtPasswordsDaily(context())
  expect(await looks()).toEqual([])
})
