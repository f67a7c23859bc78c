import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { parseRule } from '../../branch-rule-option.ts'
import { confirmRotation } from '../../confirm-rotation.ts'
import { checkJson, projectJson } from '../../json/project.ts'
import { pollSeconds } from '../../poll-option.ts'
import { repeated } from '../../repeated-option.ts'
import { checkLine } from '../../repository-check.ts'
import { verb } from '../../verb.ts'

interface Options {
  repository?: string
  slug?: string
  odooVersion?: string
  rule?: readonly string[]
  addRule?: readonly string[]
  productionBranch?: string
  defaultBranch?: string
  rotateWebhookSecret?: boolean
  yes?: boolean
  check: boolean
  poll?: string
}

export const command = verb<Options>({
  usage: 'update <project>',
  summary: 'Change a project’s repository, Odoo version, branch rules or webhook secret',
  asks: 'yes',
  details:
    'What runs stays as it is until it is built again. Rules in fairway.yaml of the production branch take the place of ' +
    'those given here when production is built.',
  examples: [
    ['fairway project update acme --production-branch master', 'what is pushed there goes to production'],
    ["fairway project update acme --add-rule '19.0-*=development'", 'one more rule, after the others'],
    ['fairway project update acme --repository https://git.example/new/odoo.git', 'it has moved'],
    ['fairway project update acme --poll 5m', 'for a git server that delivers nothing'],
    ['fairway project update acme --rotate-webhook-secret', 'the old one is worth nothing from now on'],
  ],
  configure: (command) =>
    command
      .option('--repository <url>', 'where agents clone from: an address, or a path on their hosts')
      .option('--no-check', 'do not ask a host whether the new address can be read')
      .option('--slug <owner/name>', 'the repository as webhooks name it (default: from the URL)')
      .option('--odoo-version <version>', 'major version, where fairway.yaml names none')
      .option('--rule <pattern=stage>', 'in place of all branch rules; may be repeated', repeated)
      .option('--add-rule <pattern=stage>', 'after the others; may be repeated', repeated)
      .option('--production-branch <branch>', 'in place of the one that is production now')
      .option('--default-branch <branch>', 'of the repository, as deliveries would say it')
      .option('--poll <time>', 'ask the repository for its branches so often (1m to 24h), or `off`')
      .option('--rotate-webhook-secret', 'make a new one, and show it once'),
  async run(session, [project = ''], options) {
    if (options.rotateWebhookSecret) await confirmRotation(session, project, options.yes === true)
    const client = await session.client(ProjectService)
    const answer = await client.updateProject(
      {
        project,
        repositoryUrl: options.repository,
        repositorySlug: options.slug,
        odooVersion: options.odooVersion,
        branchRules: (options.rule ?? []).map(parseRule),
        addBranchRules: (options.addRule ?? []).map(parseRule),
        productionBranch: options.productionBranch,
        defaultBranch: options.defaultBranch,
        rotateWebhookSecret: options.rotateWebhookSecret,
        checkRepository: options.check,
        pollEverySeconds: pollSeconds(options.poll),
      },
      { signal: session.signal },
    )
    const { out } = session
    if (!answer.project) return undefined
    const json = projectJson(answer.project)
    if (out.json) {
      const check = answer.check ? checkJson(answer.check) : null
      out.printJson({ ...json, webhookSecret: answer.webhookSecret || null, check })
      return undefined
    }
    out.line(`Project ${project} is changed.`)
    if (options.repository) out.line(checkLine(project, answer.check))
    for (const rule of json.branchRules) out.line(`  ${rule.pattern} → ${rule.stage}`)
    if (json.poll && options.poll)
      out.note('What the repository holds now is where polling begins: it is not built.')
    if (answer.webhookSecret) out.line(`Webhook secret: ${answer.webhookSecret}`)
    if ((options.repository || options.slug) && !json.repositoryUid) {
      out.note('The first signed delivery of this repository says which one it is.')
    }
    return undefined
  },
})
