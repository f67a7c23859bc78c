import { isRunName } from '../refs.ts'
import { resolveBuild } from '../resolve.ts'
import type { Session } from '../session.ts'

/** The run that the words name: by its id or the first digits of it, or as a build. Throws a usage error. */
export async function resolveEvidence(
  session: Session,
  words: readonly string[],
): Promise<{ runId: string } | { project: string; buildNumber: number }> {
  const [first = ''] = words
  if (words.length === 1 && isRunName(first)) return { runId: first }
  const { project, number } = await resolveBuild(session, words)
  return { project, buildNumber: number }
}
