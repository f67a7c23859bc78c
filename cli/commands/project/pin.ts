import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { usageError } from '../../errors.ts'
import { parseGithubId } from '../../github-id.ts'
import { projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

interface Options {
  repositoryId?: string
  ownerId?: string
  repository?: string
}

export const command = verb<Options>({
  usage: 'pin <project>',
  summary: 'Say which repository the project is of',
  details:
    'Deliveries and workflows of any other repository are refused, whatever it is called. The first one that is verified ' +
    'pins a project; this is for a repository that was made anew or given to another owner.',
  examples: [
    ['fairway project pin acme --repository-id 1296269 --owner-id 9919', 'from `gh api repos/acme/odoo`'],
    [
      "fairway project pin acme --repository-id 'gitlab:42' --owner-id 'gitlab:acme' --repository https://gitlab.com/acme/odoo.git",
      'it has moved to another git server',
    ],
  ],
  configure: (command) =>
    command
      .option('--repository-id <id>', 'of the repository')
      .option('--owner-id <id>', 'of the user or organization that owns it')
      .option('--repository <url>', 'where agents clone from; needed when it is at another git server'),
  async run(session, [project = ''], { repositoryId, ownerId, repository }) {
    if (!repositoryId || !ownerId) throw usageError('Give both: --repository-id ID --owner-id ID.')
    const client = await session.client(ProjectService)
    const answer = await client.pinRepository(
      repositoryId.includes(':')
        ? { project, repositoryUid: repositoryId, ownerUid: ownerId, repositoryUrl: repository }
        : {
            project,
            githubRepositoryId: parseGithubId('--repository-id', repositoryId),
            githubOwnerId: parseGithubId('--owner-id', ownerId),
            repositoryUrl: repository,
          },
      { signal: session.signal },
    )
    const { out } = session
    if (!answer.project) return undefined
    if (out.json) out.printJson(projectJson(answer.project))
    else out.line(`${project} is of repository ${repositoryId} of owner ${ownerId}.`)
    return undefined
  },
})
