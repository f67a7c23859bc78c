import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { parseRule } from '../../branch-rule-option.ts'
import { usageError } from '../../errors.ts'
import { parseGithubId } from '../../github-id.ts'
import { checkJson, projectJson } from '../../json/project.ts'
import { mayBePlainGit, postReceiveLines } from '../../post-receive.ts'
import { repeated } from '../../repeated-option.ts'
import { checkLine } from '../../repository-check.ts'
import { readStdin } from '../../stdin.ts'
import { verb } from '../../verb.ts'

interface Options {
  repository?: string
  slug?: string
  odooVersion?: string
  defaultBranch?: string
  rule?: readonly string[]
  webhookSecret?: string
  repositoryId?: string
  ownerId?: string
  check: boolean
}

export const command = verb<Options>({
  usage: 'create <name> [repository-url]',
  summary: 'Register a repository as a project',
  details:
    'A host is asked first whether it can read the repository, and which branch is its default one. A path is read on the ' +
    'hosts themselves, below the folders of FAIRWAY_GIT_ROOTS of their agents. The webhook secret is shown here and never again.',
  examples: [
    [
      'fairway project create acme https://github.com/acme/odoo.git',
      'its default branch → production, release/*, feature/*',
    ],
    [
      'fairway project create acme git@git.example:acme/odoo.git --rule master=production --rule "rc-*=staging"',
      'with rules of its own',
    ],
    ['fairway project create acme /srv/git/acme.git', 'a bare repository on the host'],
    ['fairway project create acme git@git.example:acme/odoo.git --no-check', 'its key is set afterwards'],
  ],
  configure: (command) =>
    command
      .option('--repository <url>', 'the same as the second argument')
      .option('--slug <owner/name>', 'the repository as webhooks name it (default: from the URL)')
      .option('--odoo-version <version>', 'major version (default: 19.0)')
      .option(
        '--default-branch <branch>',
        'of the repository: production, unless rules say otherwise (default: as the first delivery says)',
      )
      .option('--rule <pattern=stage>', 'a branch rule, first match wins; may be repeated', repeated)
      .option('--no-check', 'do not ask a host whether it can be read')
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
        defaultBranch: options.defaultBranch,
        branchRules,
        webhookSecret,
        githubRepositoryId: parseGithubId('--repository-id', options.repositoryId),
        githubOwnerId: parseGithubId('--owner-id', options.ownerId),
        checkRepository: options.check,
      },
      { signal: session.signal },
    )
    const { out } = session
    const project = created.project && projectJson(created.project)
    if (out.json) {
      const { webhookUrl, hookUrl, webhookSecret, check } = created
      out.printJson({
        ...project,
        webhookUrl,
        hookUrl,
        webhookSecret,
        check: check ? checkJson(check) : null,
      })
      return undefined
    }
    out.line(`Project ${name} is registered.`)
    out.line(checkLine(name, created.check))
    for (const rule of project?.branchRules ?? []) out.line(`  ${rule.pattern} → ${rule.stage}`)
    if (project?.branchRulesOrigin === 'default' && !project.defaultBranch) {
      out.line(
        '  (if the repository’s default branch is another than main, it is production as soon as it is pushed)',
      )
    }
    out.line(`Webhook (content type application/json, events: push):`)
    out.line(`  URL     ${created.webhookUrl}`)
    out.line(`  secret  ${created.webhookSecret}`)
    out.line(`  At GitLab, Gitea, Forgejo and Bitbucket the URL has that name in place of github.`)
    if (mayBePlainGit(project?.repositoryUrl ?? '')) {
      out.line('Plain git has no webhooks: paste this into a shell in the bare repository, as its owner.')
      for (const text of postReceiveLines(created.hookUrl, created.webhookSecret)) out.verbatim(text)
    }
    out.note(`Next: push a branch, or \`fairway build start ${name} BRANCH --watch\`.`)
    return undefined
  },
})
