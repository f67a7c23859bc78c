import { type Branch, BranchService } from '../../../proto/gen/fairway/v1/branches_pb.js'
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
})

export const command = verb({
  usage: 'list [project]',
  summary: 'List the branches that were pushed or built',
  examples: [['fairway branch list acme', 'stage, head and environment of each']],
  async run(session, [project = '']) {
    const client = await session.client(BranchService)
    const { branches } = await client.listBranches({ project }, { signal: session.signal })
    session.out.list<ReturnType<typeof branchJson>>(
      branches.map(branchJson),
      [
        { title: 'PROJECT', value: (row) => row.project },
        { title: 'BRANCH', value: (row) => row.name },
        { title: 'STAGE', value: (row) => row.stage ?? '' },
        { title: 'HEAD', value: (row) => (row.headCommit ?? '').slice(0, 10) },
        { title: 'BUILD', value: (row) => String(row.lastBuild ?? ''), align: 'right' },
        { title: 'PUSHED', value: (row) => formatAge(row.pushedAt) },
        { title: 'ENVIRONMENT', value: (row) => row.environment ?? '' },
        { title: 'GOES', value: (row) => row.destroyAt ?? '' },
      ],
      'No branch was pushed or built yet.',
    )
    return undefined
  },
})
