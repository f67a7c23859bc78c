import type { Project, RepositoryCheck } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { actAsServer, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { lookAtRepository } from '../repositories/look.ts'
import { checkDetails, checkMessage, defaultBranchOf } from '../repositories/looked.ts'
import { noteDefaultBranch } from './default-branch.ts'
import { projectWithCounts, requireProject } from './projects.ts'

/**
 * Whether a host can read the project's repository as things are now. Its default branch is learnt from it, as from a
 * delivery. Throws `project-not-found` and what `lookAtRepository` throws; that is in the audit log as well.
 */
export async function checkRepository(
  context: AppContext,
  caller: Caller,
  name: string,
  abort: AbortSignal,
): Promise<{ project: Project; check: RepositoryCheck }> {
  const { db } = context
  const { id, repository_url: url } = await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    await authorize(tx, caller, 'credential.set', { projectId: project.id })
    return project
  })
  const subject = { kind: 'project', id, projectId: id }
  const looked = await lookAtRepository(context, caller, { url, project: name, projectId: id }, abort).catch(
    async (error: unknown) => {
      if (error instanceof DomainError) {
        const details = { repository: url, reason: error.reason }
        await withTenant(db, caller, (tx) => audit(tx, caller, 'project.check', subject, details))
      }
      throw error
    },
  )
  const project = await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'credential.set', { projectId: id })
    await audit(tx, caller, 'project.check', subject, { repository: url, ...checkDetails(looked) })
    const learnt = defaultBranchOf(looked)
    if (!learnt) return await projectWithCounts(tx, id)
    await actAsServer(tx, [id])
    const row = await lockLivingProject(tx, id, 'credential.set')
    // Another address meanwhile: what was seen is of the former one.
    if (row.repository_url === url) await noteDefaultBranch(tx, caller, row, learnt)
    return await projectWithCounts(tx, id)
  })
  return { project, check: checkMessage(looked) }
}
