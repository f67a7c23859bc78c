import { Stage } from '../../../proto/gen/fairway/v1/common_pb.js'
import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { usageError } from '../../errors.ts'
import { parseGithubId } from '../../github-id.ts'
import { projectJson } from '../../json/project.ts'
import { repeated } from '../../repeated-option.ts'
import { readStdin } from '../../stdin.ts'
import { verb } from '../../verb.ts'

interface Options {
  repository?: string
  slug?: string
  odooVersion?: string
  rule?: readonly string[]
  webhookSecret?: string
  repositoryId?: string
  ownerId?: string
}

export const command = verb<Options>({
  usage: 'create <name> [repository-url]',
  summary: 'Register a repository as a project',
  details: 'The webhook secret is shown here and never again.',
  examples: [
    [
      'fairway project create acme https://github.com/acme/odoo.git',
      'main → production, release/*, feature/*',
    ],
    [
      'fairway project create acme git@git.example:acme/odoo.git --rule master=production --rule "rc-*=staging"',
      'with rules of its own',
    ],
  ],
  configure: (command) =>
    command
      .option('--repository <url>', 'the same as the second argument')
      .option('--slug <owner/name>', 'the repository as webhooks name it (default: from the URL)')
      .option('--odoo-version <version>', 'major version (default: 19.0)')
      .option('--rule <pattern=stage>', 'a branch rule, first match wins; may be repeated', repeated)
      .option('--repository-id <id>', 'at GitHub (default: that of the first delivery)')
      .option('--owner-id <id>', 'of the repository’s owner at GitHub')
      .option('--webhook-secret <secret>', 'default: a random one; `-` reads it from standard input'),
  async run(session, [name = '', url], options) {
    const repositoryUrl = url ?? options.repository
    if (!repositoryUrl) throw usageError('Give the repository’s URL: fairway project create NAME URL')
    const branchRules = (options.rule ?? []).map(parseRule)
    const webhookSecret = options.webhookSecret === '-' ? (await readStdin()).trim() : options.webhookSecret
    const client = await session.client(ProjectService)
    const created = await client.createProject(
      {
        name,
        repositoryUrl,
        repositorySlug: options.slug,
        odooVersion: options.odooVersion,
        branchRules,
        webhookSecret,
        githubRepositoryId: parseGithubId('--repository-id', options.repositoryId),
        githubOwnerId: parseGithubId('--owner-id', options.ownerId),
      },
      { signal: session.signal },
    )
    const { out } = session
    const project = created.project && projectJson(created.project)
    if (out.json) {
      out.printJson({ ...project, webhookUrl: created.webhookUrl, webhookSecret: created.webhookSecret })
      return undefined
    }
    out.line(`Project ${name} is registered.`)
    for (const rule of project?.branchRules ?? []) out.line(`  ${rule.pattern} → ${rule.stage}`)
    out.line(`Webhook (content type application/json, events: push):`)
    out.line(`  URL     ${created.webhookUrl}`)
    out.line(`  secret  ${created.webhookSecret}`)
    out.note(`Next: push a branch, or \`fairway build start ${name} BRANCH --watch\`.`)
    return undefined
  },
})

const stages: Record<string, Stage> = {
  production: Stage.PRODUCTION,
  staging: Stage.STAGING,
  development: Stage.DEVELOPMENT,
}

function parseRule(text: string): { pattern: string; stage: Stage } {
  const at = text.lastIndexOf('=')
  const stage = stages[text.slice(at + 1)]
  if (at < 1 || !stage) {
    throw usageError(`${text} is no branch rule: give PATTERN=STAGE with production, staging or development.`)
  }
  return { pattern: text.slice(0, at), stage }
}
