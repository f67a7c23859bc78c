import { Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import {
  BranchRulesOrigin,
  type Project,
  type RepositoryCheck,
} from '../../proto/gen/fairway/v1/projects_pb.js'
import { textOf, timeOf, wordOf } from './values.ts'

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
  repositoryUid: textOf(project.repositoryUid),
  ownerUid: textOf(project.ownerUid),
  defaultBranch: textOf(project.defaultBranch),
  branchRulesOrigin: wordOf(BranchRulesOrigin, project.branchRulesOrigin),
  branchRulesChange: project.branchRulesChange
    ? {
        productionBefore: project.branchRulesChange.productionBefore,
        productionNow: project.branchRulesChange.productionNow,
        changedBy: project.branchRulesChange.changedBy,
        changedAt: timeOf(project.branchRulesChange.changedAt),
      }
    : null,
  refusedRepository: project.refusedRepository
    ? {
        slug: project.refusedRepository.slug,
        repositoryUid: textOf(project.refusedRepository.repositoryUid),
        ownerUid: textOf(project.refusedRepository.ownerUid),
        explanation: project.refusedRepository.explanation,
        firstSeenAt: timeOf(project.refusedRepository.firstSeenAt),
      }
    : null,
  ignoredBranchCount: project.ignoredBranchCount,
  poll: project.poll
    ? {
        everySeconds: project.poll.everySeconds,
        setBy: project.poll.setBy,
        nextAt: timeOf(project.poll.nextAt),
        lastAt: timeOf(project.poll.lastAt),
        failures: project.poll.failures,
        error: textOf(project.poll.error),
      }
    : null,
  archivedAt: timeOf(project.archivedAt),
  deletedAt: timeOf(project.deletedAt),
  createdAt: timeOf(project.createdAt),
  id: project.id,
})
export type ProjectJson = ReturnType<typeof projectJson>

export const checkJson = ({
  done,
  note,
  hosts,
  defaultBranch,
  branches,
  branchCount,
  passedOver,
}: RepositoryCheck) => ({
  done,
  note: textOf(note),
  hosts,
  defaultBranch: textOf(defaultBranch),
  branches,
  branchCount,
  passedOver,
})
