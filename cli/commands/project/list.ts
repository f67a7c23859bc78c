import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { formatAge } from '../../format.ts'
import { type ProjectJson, projectJson } from '../../json/project.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ all?: boolean }>({
  usage: 'list',
  summary: 'List the projects',
  examples: [['fairway project list --json | jq -r ".[].name"', 'their names']],
  configure: (command) => command.option('--all', 'archived and deleted ones as well'),
  async run(session, _, options) {
    const client = await session.client(ProjectService)
    const { projects } = await client.listProjects(
      { includeEnded: options.all === true },
      { signal: session.signal },
    )
    session.out.list<ProjectJson>(
      projects.map(projectJson),
      [
        { title: 'NAME', value: (row) => row.name, whole: true },
        { title: 'ODOO', value: (row) => row.odooVersion },
        { title: 'ENVIRONMENTS', value: (row) => String(row.environmentCount), align: 'right' },
        { title: 'BUILDS', value: (row) => String(row.buildCount), align: 'right' },
        { title: 'CREATED', value: (row) => formatAge(row.createdAt) },
        { title: 'STATE', value: (row) => (row.deletedAt ? 'deleted' : row.archivedAt ? 'archived' : '') },
        { title: 'REPOSITORY', value: (row) => row.repositoryUrl },
      ],
      'There is no project yet. Make one: fairway project create NAME URL',
    )
    return undefined
  },
})
