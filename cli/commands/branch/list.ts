import { formatTime } from '../../../lib/words/times.ts'
import { type Branch, BranchService, type IgnoredBranch } from '../../../proto/gen/fairway/v1/branches_pb.js'
import { Stage } from '../../../proto/gen/fairway/v1/common_pb.js'
import { formatAge } from '../../format.ts'
import { textOf, timeOf, wordOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

const branchJson = (branch: Branch) => ({
  project: branch.project,
  name: branch.name,
  stage: wordOf(Stage, branch.stage),
  headCommit: textOf(branch.headCommit),
  environment: textOf(branch.environment),
  lastBuild: branch.lastBuild || null,
  pushedAt: timeOf(branch.pushedAt),
  destroyAt: timeOf(branch.destroyAt),
  ignored: null as null | { reason: string; explanation: string; hint: string; pushes: number },
})

type Row = ReturnType<typeof branchJson>

const ignoredJson = (branch: IgnoredBranch): Row => ({
  project: branch.project,
  name: branch.name,
  stage: null,
  headCommit: textOf(branch.headCommit),
  environment: null,
  lastBuild: null,
  pushedAt: timeOf(branch.pushedAt),
  destroyAt: null,
  ignored: {
    reason: branch.reason,
    explanation: branch.explanation,
    hint: branch.hint,
    pushes: branch.pushes,
  },
})

export const command = verb({
  usage: 'list [project]',
  summary: 'List the branches that were pushed or built',
  details: 'Those that were pushed and not built are below them, with the reason and what to do.',
  examples: [['fairway branch list acme', 'stage, head and environment of each']],
  async run(session, [project = '']) {
    const client = await session.client(BranchService)
    const { branches, ignored } = await client.listBranches({ project }, { signal: session.signal })
    const { out } = session
    out.list<Row>(
      [...branches.map(branchJson), ...ignored.map(ignoredJson)],
      [
        { title: 'PROJECT', value: (row) => row.project },
        { title: 'BRANCH', value: (row) => row.name },
        { title: 'STAGE', value: (row) => row.stage ?? 'ignored' },
        { title: 'HEAD', value: (row) => (row.headCommit ?? '').slice(0, 10) },
        { title: 'BUILD', value: (row) => String(row.lastBuild ?? ''), align: 'right' },
        { title: 'PUSHED', value: (row) => formatAge(row.pushedAt) },
        { title: 'ENVIRONMENT', value: (row) => row.environment ?? '' },
        { title: 'GOES', value: (row) => formatTime(row.destroyAt) },
      ],
      'No branch was pushed or built yet. If you pushed one: is the webhook set up? Its deliveries are listed at the git server.',
    )
    if (out.json) return undefined
    for (const { project: of, name, explanation, hint } of ignored) {
      out.line()
      out.line(`${of} ${name} was ignored: ${explanation}`)
      if (hint) out.line(`  ${hint}`)
    }
    return undefined
  },
})
