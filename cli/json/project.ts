import { Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import type { Project } from '../../proto/gen/fairway/v1/projects_pb.js'
import { timeOf, wordOf } from './values.ts'

export const projectJson = (project: Project) => ({
  name: project.name,
  repositoryUrl: project.repositoryUrl,
  repositorySlug: project.repositorySlug,
  odooVersion: project.odooVersion,
  branchRules: project.branchRules.map(({ pattern, stage }) => ({ pattern, stage: wordOf(Stage, stage) })),
  environmentCount: project.environmentCount,
  buildCount: project.buildCount,
  githubRepositoryId: Number(project.githubRepositoryId) || null,
  githubOwnerId: Number(project.githubOwnerId) || null,
  createdAt: timeOf(project.createdAt),
  id: project.id,
})
export type ProjectJson = ReturnType<typeof projectJson>
