import { usageError } from '../../errors.ts'
import { parseBuildName } from '../../refs.ts'
import { type TakeBackOptions, takeBack } from '../../release/take-back.ts'
import { onlyProject } from '../../resolve.ts'
import { addTimeout } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'

interface Options extends TakeBackOptions {
  readonly to?: string
  readonly withData?: boolean
}

export const command = verb<Options>({
  usage: 'rollback [project]',
  summary: 'Take production back to what it served before, by digest',
  asks: 'yes',
  details:
    'Without --with-data the older code runs on the data as they are; refused where the modules’ schema has moved on. With ' +
    'it the data go back to the moment before that release was replaced: what was written since is counted, said, and ' +
    'lost. Exit code 0 when it ended green or yellow, else 1.',
  examples: [
    ['fairway rollback acme', 'to the release before; shows what will happen, asks, and waits'],
    ['fairway rollback acme --to 38 --with-data', 'to build 38, and the data as they were then'],
    ['fairway rollback acme --with-data --yes', 'says what is lost, and asks nothing'],
  ],
  configure: (command) =>
    void addTimeout(
      command
        .option('--to <build>', 'a build that production has served (default: the one before)')
        .option('--with-data', 'the data go back too; what was written since is lost')
        .option('--force', 'in spite of a refusal')
        .option('--no-wait', 'don’t wait until it is done'),
    ),
  async run(session, [name], options) {
    const toBuild = buildOf(options)
    const project = name ?? (await onlyProject(session))
    const goal = { project, toBuild, withData: options.withData ?? false }
    return await takeBack(session, goal, options, `fairway rollback ${project}`)
  },
})

/** 0: the release before. */
function buildOf({ to }: Options): number {
  if (to === undefined) return 0
  const name = parseBuildName([to])
  if (!name || name.project)
    throw usageError(`--to takes the number of a build; ${JSON.stringify(to)} is none.`)
  return name.number
}
