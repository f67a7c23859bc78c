import { stat } from 'node:fs/promises'
import { runCheck } from '../../check/run-check.ts'
import { showCheck } from '../../check/show-check.ts'
import { usageError } from '../../errors.ts'
import { type ExitCode, exitCodes } from '../../exit-codes.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly project?: string
  readonly strict?: boolean
  readonly offline?: boolean
  readonly secrets: boolean
}

export const command = verb<Options>({
  usage: 'check [directory]',
  summary: 'Say what a build would say of a working copy, before it is pushed',
  details:
    'Reads tracked files, and new ones that are not ignored, and judges them as a build does: fairway.yaml, manifests, ' +
    'what modules depend on, requirements, secrets. Runs nothing of them, and needs no Docker. What the base image ' +
    'holds is asked of the server where you are logged in, and remembered. Exits with 0 where a build would get past its first ' +
    'step, with 1 where it would be red, and with --strict also where some names could not be judged',
  examples: [
    ['fairway check', 'the repository that you are in'],
    ['fairway check ~/shop --project acme', 'by the base image of the project acme'],
    ['fairway check --offline --strict', 'by what is remembered; red where that is not enough'],
    ['fairway check --json | jq -r ".findings[].message"', 'for programs'],
  ],
  configure: (command) =>
    command
      .option('--project <name>', 'the project; default: the one of the remote `origin`')
      .option('--strict', 'fail as well where names of modules could not be judged')
      .option('--offline', 'ask no server')
      .option('--no-secrets', 'do not search for secrets'),
  async run(session, [directory = '.'], { project, strict = false, offline = false, secrets }) {
    await requireFolder(directory)
    const check = await runCheck(session, directory, { project, offline, secrets })
    showCheck(session.out, check)
    return exitCodeOf(check.result, strict)
  },
})

function exitCodeOf(result: 'fine' | 'not judged' | 'findings', strict: boolean): ExitCode {
  if (result === 'findings') return exitCodes.failure
  return strict && result === 'not judged' ? exitCodes.failure : exitCodes.ok
}

async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (!found?.isDirectory()) throw usageError(`${path} is no folder.`)
}
