import { audit } from '../../db/audit.ts'
import { neverBuilt } from '../../db/never-built.ts'
import type { RunState } from '../../runs/run-state.ts'

/**
 * A branch that nobody pushed, and that the git server does not have, is a slip of the finger: it is not listed any more, nor
 * the environment that it was to have. Pushed or built under that name after all, it is there again.
 */
export async function forgetUnknownBranch({
  tx,
  op,
  run,
  branch,
  environment,
  tasks,
}: RunState): Promise<void> {
  const isUnknown = [...tasks.values()].some(
    ({ kind, reason }) => kind === 'resolve' && reason === 'branch-missing',
  )
  if (!isUnknown || !branch || branch.pushed_at) return
  const now = new Date()
  const gone = await tx
    .updateTable('environments')
    .set({ status: 'destroyed', destroyed_at: now, updated_at: now })
    .where('id', '=', environment.id)
    .where('status', '<>', 'destroyed')
    .where(neverBuilt)
    .returning('id')
    .executeTakeFirst()
  if (!gone) return
  await tx.updateTable('branches').set({ deleted_at: now }).where('id', '=', branch.id).execute()
  const subject = { kind: 'branch', id: branch.id, projectId: run.project_id }
  const because = 'the repository has no such branch, and nothing was ever built of it'
  await audit(tx, op, 'branch.delete', subject, { branch: branch.name, destroyAt: null, because })
}
