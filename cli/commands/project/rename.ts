import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'rename <project> <new-name>',
  summary: 'Give a project another name',
  details:
    'Environments answer at their addresses of before until they are deployed again. The old name stays the project’s: ' +
    'no other one gets it. Tokens, secrets, evidence and the audit log go with the project.',
  examples: [['fairway project rename acme acme-erp', 'while nothing of it runs']],
  async run(session, [project = '', newName = '']) {
    const client = await session.client(ProjectService)
    const answer = await client.renameProject({ project, newName }, { signal: session.signal })
    const { out } = session
    if (!answer.project) return undefined
    if (out.json) out.printJson(projectJson(answer.project))
    else {
      out.line(`Project ${project} is called ${newName}.`)
      out.note(`Its addresses change when each environment is built again: fairway env list ${newName}`)
    }
    return undefined
  },
})
