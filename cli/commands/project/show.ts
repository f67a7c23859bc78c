import { formatTime } from '../../../lib/words/times.ts'
import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { formatAge } from '../../format.ts'
import { type ProjectJson, projectJson } from '../../json/project.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

const origins: Readonly<Record<string, string>> = {
  default: 'nobody gave others: the default branch is production',
  given: 'as given',
  file: 'of fairway.yaml',
}

export const command = verb({
  usage: 'show [project]',
  summary: 'Show a project and its branch rules',
  examples: [['fairway project show acme', 'repository, Odoo version, rules']],
  async run(session, [name]) {
    const client = await session.client(ProjectService)
    const wanted = name ?? (await onlyProject(session))
    const { project } = await client.getProject({ project: wanted }, { signal: session.signal })
    if (!project) return undefined
    const { out } = session
    const json = projectJson(project)
    if (out.json) {
      out.printJson(json)
      return undefined
    }
    out.fields([
      ['Project', json.name],
      ['Repository', `${json.repositoryUrl} (${json.repositorySlug})`],
      [
        'GitHub',
        json.githubRepositoryId
          ? `repository ${json.githubRepositoryId} of owner ${json.githubOwnerId}`
          : null,
      ],
      [
        'Known as',
        json.githubRepositoryId ? null : json.repositoryUid && `${json.repositoryUid} of ${json.ownerUid}`,
      ],
      ['Refused', json.refusedRepository?.explanation ?? null],
      ['Odoo', json.odooVersion],
      ['Default branch', json.defaultBranch],
      [
        'Branches',
        json.branchRules.map((rule) => `${rule.pattern} → ${rule.stage}`).join(', ') +
          (json.branchRulesOrigin ? ` (${origins[json.branchRulesOrigin] ?? json.branchRulesOrigin})` : ''),
      ],
      ['Changed', changeLine(json)],
      [
        'Ignored',
        json.ignoredBranchCount > 0
          ? `${json.ignoredBranchCount} pushed and not built; why: fairway branch list ${json.name}`
          : null,
      ],
      ['Polled', pollLine(json)],
      ['Environments', String(json.environmentCount)],
      ['Builds', String(json.buildCount)],
      ['Created', formatTime(json.createdAt)],
      ['Archived', json.deletedAt ? null : formatTime(json.archivedAt)],
      ['Deleted', formatTime(json.deletedAt)],
    ])
    return undefined
  },
})

function pollLine({ poll }: ProjectJson): string | null {
  if (!poll) return null
  const every = `every ${poll.everySeconds % 60 === 0 ? `${poll.everySeconds / 60}m` : `${poll.everySeconds}s`} (${poll.setBy})`
  const last = poll.lastAt ? `last ${formatAge(poll.lastAt)}` : 'never yet'
  const failed = poll.error
    ? `; ${poll.failures} in vain since, next ${formatTime(poll.nextAt)}: ${poll.error}`
    : ''
  return `${every}, ${last}${failed}`
}

function changeLine({ branchRulesChange: change }: ProjectJson): string | null {
  if (!change) return null
  const { productionBefore, productionNow, changedAt, changedBy } = change
  return `production: ${productionBefore} → ${productionNow}, the repository’s default branch, at ${formatTime(changedAt)} by ${changedBy}`
}
