import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { requireTyped } from '../../confirm.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { verb } from '../../verb.ts'
import { waitForRun } from '../../wait-for-run.ts'

interface Options {
  plan?: boolean
  confirm?: string
}

export const command = verb<Options>({
  usage: 'delete <project>',
  summary: 'Delete a project: its environments, secrets and tokens; evidence and audit log stay',
  asks: 'typed',
  details:
    'Shows first what goes and what stays. Production has to be destroyed before (fairway env destroy), as the policy ' +
    'lets it. The name is never given to another project.',
  examples: [
    ['fairway project delete acme --plan', 'what would go and what would stay'],
    ['fairway project delete acme --confirm acme', 'for scripts; on a terminal it asks for the name'],
  ],
  configure: (command) =>
    command
      .option('--plan', 'only show it')
      .option('--confirm <name>', 'the project’s name; it is not deleted without it'),
  async run(session, [project = ''], options) {
    const { out, signal } = session
    const client = await session.client(ProjectService)
    const plan = await client.planProjectDeletion({ project }, { signal })
    const { $typeName: _, ...shown } = plan
    if (options.plan && out.json) {
      out.printJson(shown)
      return undefined
    }
    if (!out.json) {
      out.fields([
        [
          'Goes',
          plan.environments.length > 0
            ? `environments ${plan.environments.join(', ')}, with their data`
            : 'no environment',
        ],
        [
          '',
          `${plan.secrets} secrets, ${plan.tokens} tokens, ${plan.members} roles and ${plan.grants} grants of members, the webhook`,
        ],
        [
          'Stays',
          `${plan.runs} runs with their logs, ${plan.releases} releases, ${plan.statements} statements of evidence`,
        ],
        ['', `${plan.auditEvents} audit events; backups outside Fairway, images in the registry`],
        ['Blocked', plan.blocker || null],
      ])
    }
    if (options.plan) return undefined
    const confirm =
      options.confirm ??
      (await requireTyped(session, project, '--confirm', { permission: 'project.manage', project }))
    // Environments go first, each in a run; then the project.
    for (;;) {
      const { deleted, runIds } = await client.deleteProject({ project, confirm }, { signal })
      if (deleted) break
      for (const runId of runIds) {
        const { status, reason } = await waitForRun(session, runId)
        if (status === 'succeeded') continue
        throw new CliError(
          exitCodes.failure,
          `An environment of ${project} was not destroyed (${reason ?? status}), so the project is archived and still there. ` +
            `See fairway run show ${runId}, then delete it again.`,
        )
      }
    }
    if (out.json) out.printJson({ project, deleted: true })
    else out.line(`Project ${project} is deleted. What it did: fairway audit list --project ${project}`)
    return undefined
  },
})
