import type { ServiceImpl } from '@connectrpc/connect'
import type { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../context.ts'
import { invalid } from '../errors.ts'
import { stageFromMessage } from '../services/messages.ts'
import { createProject, getProject, listProjects, pinProject } from '../services/projects/projects.ts'
import { requireRepositoryIds } from '../services/projects/repository-pin.ts'
import { callerOf } from './caller.ts'

export const projectsApi = (app: AppContext): ServiceImpl<typeof ProjectService> => ({
  async createProject(request, context) {
    const branchRules = request.branchRules.map(({ pattern, stage }) => {
      const known = stageFromMessage(stage)
      if (!known) throw invalid('branch-rules', `The branch rule ${pattern} names no stage.`)
      return { pattern, stage: known }
    })
    const created = await createProject(app, callerOf(context), {
      ...request,
      branchRules,
      ids: requireRepositoryIds(request.githubRepositoryId, request.githubOwnerId),
    })
    return { ...created, webhookUrl: new URL('/webhooks/github', app.config.publicUrl).href }
  },
  async pinRepository({ project, githubRepositoryId, githubOwnerId }, context) {
    const ids = requireRepositoryIds(githubRepositoryId, githubOwnerId)
    return { project: await pinProject(app, callerOf(context), project, ids) }
  },
  async listProjects(_, context) {
    return { projects: await listProjects(app, callerOf(context)) }
  },
  async getProject({ project }, context) {
    return { project: await getProject(app, callerOf(context), project) }
  },
})
