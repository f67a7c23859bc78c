import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { formatAge } from '../../format.ts'
import { type ProjectJson, projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list',
  summary: 'List the projects',
  examples: [['fairway project list --json | jq -r ".[].name"', 'their names']],
  async run(session) {
    const client = await session.client(ProjectService)
    const { projects } = await client.listProjects({}, { signal: session.signal })
    session.out.list<ProjectJson>(
      projects.map(projectJson),
      [
        { title: 'NAME', value: (row) => row.name, whole: true },
        { title: 'ODOO', value: (row) => row.odooVersion },
        { title: 'ENVIRONMENTS', value: (row) => String(row.environmentCount), align: 'right' },
        { title: 'BUILDS', value: (row) => String(row.buildCount), align: 'right' },
        { title: 'CREATED', value: (row) => formatAge(row.createdAt) },
        { title: 'REPOSITORY', value: (row) => row.repositoryUrl },
      ],
      'There is no project yet. Make one: fairway project create NAME URL',
    )
    return undefined
  },
})
