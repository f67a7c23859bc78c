import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'archive <project>',
  summary: 'Let nothing start in a project any more',
  details:
    'Pushes are ignored, and builds, starts and releases are refused. What serves goes on until it is stopped.',
  examples: [['fairway project archive acme', 'and back: fairway project unarchive acme']],
  async run(session, [project = '']) {
    const client = await session.client(ProjectService)
    const answer = await client.archiveProject({ project }, { signal: session.signal })
    const { out } = session
    if (out.json && answer.project) out.printJson(projectJson(answer.project))
    else out.line(`Project ${project} is archived.`)
    return undefined
  },
})
