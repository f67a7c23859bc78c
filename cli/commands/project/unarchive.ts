import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'unarchive <project>',
  summary: 'Take an archived project back into use',
  details: 'What was pushed meanwhile is in `fairway branch list`.',
  examples: [['fairway project unarchive acme', 'pushes are built again']],
  async run(session, [project = '']) {
    const client = await session.client(ProjectService)
    const answer = await client.unarchiveProject({ project }, { signal: session.signal })
    const { out } = session
    if (out.json && answer.project) out.printJson(projectJson(answer.project))
    else out.line(`Project ${project} is in use again.`)
    return undefined
  },
})
