import { expect } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import type { RunOperations } from '../../server/runs/operation.ts'
import { approve } from '../../server/services/governance/approvals.ts'
import { answers } from './play-run.ts'
import { type ArrangedBuild, arrangeBuild, arrangeTenant, type Tenant } from './tenant.ts'

/**
 * A project whose runs wait for rita, a release manager: the real engine and pipelines on a real PostgreSQL; the agent's
 * part, ending a task, is played. `playRun` votes as well, and plays on to the end.
 */
export type PlayedRuns = Awaited<ReturnType<typeof arrangeRuns>>

type Failure = { readonly status: 'failed'; readonly reason: string; readonly error: string }
type Asked = { readonly approvalId: string; readonly subjectSha256: string }

export async function arrangeRuns(context: AppContext, organizationId: string, project: string) {
  const tenant = await arrangeTenant(context, organizationId, project)
  const rita = await arrangeReleaseManager(tenant, `rita-${project}`)

  const step = (runId: string, with_: RunOperations = operations) =>
    advance(context, context.config, with_, { runId, organizationId })

  const runOf = (id: string) =>
    tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())

  const tasksOf = (runId: string) =>
    tenant.scope((tx) =>
      tx.selectFrom('tasks').selectAll().where('run_id', '=', runId).orderBy('created_at').execute(),
    )

  const stepsOf = (runId: string) =>
    tenant.scope((tx) =>
      tx
        .selectFrom('steps')
        .select(['name', 'status', 'summary'])
        .where('run_id', '=', runId)
        .orderBy('position')
        .execute(),
    )

  const approvalsOf = (runId: string) =>
    tenant.scope((tx) =>
      tx.selectFrom('approvals').selectAll().where('run_id', '=', runId).orderBy('created_at').execute(),
    )

  /** Plays the agent until the run has ended or waits for somebody. `failing`: what fails, by kind. */
  async function play(runId: string, failing: Readonly<Record<string, Failure>> = {}): Promise<void> {
    for (let round = 0; round < 60; round++) {
      await step(runId)
      const open = (await tasksOf(runId)).filter(({ status }) => status === 'queued')
      if (open.length === 0) return
      for (const { id, kind } of open) {
        const output = (answers as Readonly<Record<string, unknown>>)[kind]
        const end = failing[kind] ?? {
          status: 'succeeded' as const,
          output: JSON.stringify({ [kind]: output }),
        }
        const finished_at = new Date()
        await tenant.scope((tx) =>
          tx
            .updateTable('tasks')
            .set({ ...end, finished_at })
            .where('id', '=', id)
            .execute(),
        )
      }
    }
    expect.fail(`run ${runId} goes on and on`)
  }

  const build = (branch = 'main') => arrangeBuild(context, tenant, branch)

  async function waitingBuild(): Promise<ArrangedBuild & Asked> {
    const made = await build()
    await play(made.runId)
    const [approval] = await approvalsOf(made.runId)
    if (!approval) return expect.fail('nothing was asked for')
    return { ...made, approvalId: approval.id, subjectSha256: approval.subject_sha256 }
  }

  const approveAsRita = (asked: Asked) => approve(context, rita, { ...asked, note: '' })

  async function deployed(): Promise<ArrangedBuild> {
    const made = await waitingBuild()
    await approveAsRita(made)
    await play(made.runId)
    expect(await runOf(made.runId)).toMatchObject({ status: 'succeeded' })
    return made
  }

  return {
    tenant,
    rita,
    step,
    runOf,
    tasksOf,
    stepsOf,
    approvalsOf,
    play,
    build,
    waitingBuild,
    approveAsRita,
    deployed,
  }
}

async function arrangeReleaseManager(tenant: Tenant, name: string): Promise<Tenant['caller']> {
  const member = await tenant.scope((tx) =>
    tx
      .insertInto('members')
      .values({ organization_id: tenant.organizationId, name, role: 'release-manager' })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return {
    ...tenant.caller,
    actor: `member:${name}`,
    access: { ...tenant.caller.access, role: 'release-manager', memberId: member.id },
  }
}
