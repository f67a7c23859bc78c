import { formatTime } from '../lib/words/times.ts'
import type { BuildDetailJson } from './json/build.ts'
import type { EnvironmentJson } from './json/environment.ts'
import { isOpenToAll } from './sign-in-words.ts'

type Kept = Pick<EnvironmentJson, 'project' | 'purpose' | 'failedBuild' | 'failedRun' | 'expiresAt'>

/** Of what is kept of a failure, what it is and until when; empty for the environment of a branch. */
export function keptSentence({ project, purpose, failedBuild, failedRun, expiresAt }: Kept): string {
  const run =
    failedBuild === null ? `run ${(failedRun ?? '').slice(0, 8)}` : `build ${project}/${failedBuild}`
  const until = `there until ${formatTime(expiresAt)}`
  if (purpose === 'failed-build') return `the preview of ${run}, whose tests failed, ${until}`
  if (purpose === 'failed-update')
    return `a neutralized copy of what the update of ${run} left in production, ${until}`
  return ''
}

/** `running until …`: its status, and when it goes by itself. */
export const statusWords = ({ status, expiresAt }: Pick<EnvironmentJson, 'status' | 'expiresAt'>): string =>
  expiresAt && status !== 'destroyed' ? `${status} until ${formatTime(expiresAt)}` : status

/** The same, and all that is wrong with it. */
export const listedStatus = (environment: EnvironmentJson): string =>
  [
    statusWords(environment),
    isOpenToAll(environment) && 'default password',
    environment.dirtySince && 'data between two states',
  ]
    .filter(Boolean)
    .join(', ')

/** Where the preview of a build whose tests failed is to be looked at; null where none was kept. */
export function keptPreview({ project, kept }: Pick<BuildDetailJson, 'project' | 'kept'>): string | null {
  if (!kept) return null
  const name = `${project}/${kept.environment}`
  return kept.open
    ? `${name} until ${formatTime(kept.until)}: fairway env open ${name}`
    : `${name}, which is gone`
}
