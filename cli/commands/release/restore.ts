import { type TakeBackOptions, takeBack } from '../../release/take-back.ts'
import { onlyProject } from '../../resolve.ts'
import { addTimeout } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'

export const command = verb<TakeBackOptions>({
  usage: 'restore [project] [snapshot]',
  summary: 'Put a safety snapshot of production’s data back, with the code that was served then',
  asks: 'yes',
  details:
    'Every safety snapshot that `fairway snapshot list` shows can be put back, that of a release which failed as well; without ' +
    'one the newest. What was written since is counted, said, and lost. It takes the approval of a rollback, and is one in the ' +
    'history. Exit code 0 when it ended green or yellow, else 1.',
  examples: [
    ['fairway release restore acme', 'the newest; shows what will happen, asks, and waits'],
    ['fairway release restore acme 3f2a9c1e', 'by its id, or as much of it as tells it from the others'],
  ],
  configure: (command) => void addTimeout(command.option('--no-wait', 'don’t wait until it is done')),
  async run(session, [name, snapshotId = ''], options) {
    const project = name ?? (await onlyProject(session))
    const goal = { project, toBuild: 0, withData: true, snapshotId }
    return await takeBack(session, goal, options, `fairway release restore ${project}`)
  },
})
