import { LockService } from '../../../proto/gen/fairway/v1/locks_pb.js'
import { usageError } from '../../errors.ts'
import { writeLockFile } from '../../lock/lock-file.ts'
import { showLock } from '../../lock/show-lock.ts'
import { updateLock } from '../../lock/update-lock.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'

interface Options {
  build?: string
  output?: string
  update?: boolean
  timeout?: string
}

export const command = verb<Options>({
  usage: 'lock <project> [branch]',
  summary: 'Show what a branch or build is made of, pinned; or resolve a branch anew',
  details:
    'The lock of a branch is that of its newest build that has one. With --update the branch’s head is resolved without ' +
    'any pins: newest commits of repositories, newest versions of packages. Nothing is built. Committed as fairway.lock ' +
    'the file pins the builds of that commit and those after it.',
  examples: [
    ['fairway lock acme main', 'repositories, packages and base image of its newest build'],
    ['fairway lock acme --build 12 -o fairway.lock', 'what build 12 was made of, as a file'],
    ['fairway lock acme main --update -o fairway.lock', 'what would be new; then commit the file'],
    [`fairway lock acme main --json | jq -r '.python[] | "\\(.name)==\\(.version)"'`, 'the document itself'],
  ],
  configure: (command) =>
    addTimeout(
      command
        .option('--build <number>', 'the lock of one build')
        .option('-o, --output <file>', 'write the document to a file')
        .option('--update', 'resolve the branch anew, and show what has changed'),
    ),
  async run(session, [project = '', branch], options) {
    const timeoutMs = timeoutOf(options)
    const { build, output } = options
    if (options.update) {
      if (!branch || build)
        throw usageError('Name the branch to update: fairway lock PROJECT BRANCH --update')
      return void (await updateLock(session, { project, branch }, { output, timeoutMs }))
    }
    if ((branch === undefined) === (build === undefined)) {
      throw usageError('Name a branch, or a build with --build: fairway lock PROJECT BRANCH')
    }
    const { out, signal } = session
    const client = await session.client(LockService)
    const subject = build ? { build: { project, number: numberOf(build) } } : { branch: { project, branch } }
    const { lock } = await client.getLock(subject, { signal })
    if (!lock) return undefined
    if (output) await writeLockFile(output, lock.document)
    if (out.json) out.verbatim(lock.document.trimEnd())
    else if (output) out.line(`${output} is written.`)
    else showLock(out, lock)
    return undefined
  },
})

function numberOf(build: string): number {
  if (/^#?[1-9]\d{0,8}$/.test(build)) return Number(build.replace('#', ''))
  throw usageError(`${build} is no build’s number.`)
}
