import type { ServiceImpl } from '@connectrpc/connect'
import type { BranchRule as BranchRuleMessage } from '../../proto/gen/fairway/v1/common_pb.js'
import type { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../context.ts'
import { invalid } from '../errors.ts'
import { stageFromMessage } from '../services/messages.ts'
import type { BranchRule } from '../services/projects/branch-rules.ts'
import { createCheckedProject, updateCheckedProject } from '../services/projects/checked-project.ts'
import { planProjectDeletion } from '../services/projects/deletion-plan.ts'
import { archiveProject, unarchiveProject } from '../services/projects/project-archive.ts'
import { deleteProject } from '../services/projects/project-deletion.ts'
import { renameProject } from '../services/projects/project-rename.ts'
import { updateProject } from '../services/projects/project-update.ts'
import { createProject, getProject, listProjects, pinProject } from '../services/projects/projects.ts'
import { checkRepository } from '../services/projects/repository-check.ts'
import { githubPin, requirePin, requireRepositoryIds } from '../services/projects/repository-pin.ts'
import { getWebhook, hookUrlOf, webhookUrlOf } from '../services/projects/webhook.ts'
import { callerOf } from './caller.ts'

export const projectsApi = (app: AppContext): ServiceImpl<typeof ProjectService> => ({
  async createProject(request, context) {
    const wanted = {
      ...request,
      branchRules: request.branchRules.map(requireRule),
      ids: requireRepositoryIds(request.githubRepositoryId, request.githubOwnerId),
    }
    const created = request.checkRepository
      ? await createCheckedProject(app, callerOf(context), wanted, context.signal)
      : await createProject(app, callerOf(context), wanted)
    const { publicUrl } = app.config
    const { id } = created.project
    return { ...created, webhookUrl: webhookUrlOf(publicUrl, id), hookUrl: hookUrlOf(publicUrl, id) }
  },
  async getProjectWebhook({ project, limit }, context) {
    return await getWebhook(app, callerOf(context), project, limit)
  },
  async pinRepository(request, context) {
    const { project, githubRepositoryId, githubOwnerId, repositoryUid, ownerUid, repositoryUrl } = request
    const pin =
      repositoryUid || ownerUid
        ? requirePin(repositoryUid, ownerUid)
        : githubPin(requireRepositoryIds(githubRepositoryId, githubOwnerId))
    return { project: await pinProject(app, callerOf(context), project, pin, repositoryUrl) }
  },
  async updateProject(request, context) {
    const changes = {
      ...request,
      branchRules: request.branchRules.map(requireRule),
      addBranchRules: request.addBranchRules.map(requireRule),
    }
    return request.checkRepository && request.repositoryUrl
      ? await updateCheckedProject(app, callerOf(context), request.project, changes, context.signal)
      : await updateProject(app, callerOf(context), request.project, changes)
  },
  async checkRepository({ project }, context) {
    return await checkRepository(app, callerOf(context), project, context.signal)
  },
  async renameProject({ project, newName }, context) {
    return { project: await renameProject(app, callerOf(context), project, newName) }
  },
  async archiveProject({ project }, context) {
    return { project: await archiveProject(app, callerOf(context), project) }
  },
  async unarchiveProject({ project }, context) {
    return { project: await unarchiveProject(app, callerOf(context), project) }
  },
  async planProjectDeletion({ project }, context) {
    const plan = await planProjectDeletion(app, callerOf(context), project)
    return { ...plan, environments: [...plan.environments] }
  },
  async deleteProject({ project, confirm }, context) {
    const { deleted, runIds } = await deleteProject(app, callerOf(context), project, confirm)
    return { deleted, runIds: [...runIds] }
  },
  async listProjects({ includeEnded }, context) {
    return { projects: await listProjects(app, callerOf(context), { includeEnded }) }
  },
  async getProject({ project }, context) {
    return { project: await getProject(app, callerOf(context), project) }
  },
})

function requireRule({ pattern, stage }: BranchRuleMessage): BranchRule {
  const known = stageFromMessage(stage)
  if (!known) throw invalid('branch-rules', `The branch rule ${pattern} names no stage.`)
  return { pattern, stage: known }
}
