import { onlyProject, resolveEnvironment } from '../resolve.ts'
import type { Session } from '../session.ts'

/**
 * `acme`, `acme release/1.0` or `acme/release/1.0`; nothing where there is one project. Empty branch: the server takes the
 * only staging branch that runs. Throws a usage error.
 */
export async function resolveRelease(
  session: Session,
  words: readonly string[],
): Promise<{ project: string; branch: string }> {
  const [first, second] = words
  if (first === undefined) return { project: await onlyProject(session), branch: '' }
  if (second === undefined && !/[/#]/.test(first)) return { project: first, branch: '' }
  const { project, environment } = await resolveEnvironment(session, words)
  return { project, branch: environment }
}
