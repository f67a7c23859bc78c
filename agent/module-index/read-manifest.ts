import { hostileText } from '../../lib/hostile-text/hostile-text.ts'
import { maxManifestBytes } from '../../lib/repository/manifest.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'

/** What a module of another repository depends on, or why it cannot be used. */
export async function readManifest(
  mirrors: Mirrors,
  { url, commit, ref, path }: { url: string; commit: string; ref: string; path: string },
  signal: AbortSignal,
): Promise<{ depends: readonly string[] } | { fault: string }> {
  const file = `${path}/__manifest__.py`
  try {
    // The whole of it, as the next build takes it: whoever declares it has it here already.
    const { gitDir } = await mirrors.fetch(url, { commit, branch: '', ref }, signal)
    const { stdout, truncated } = await mirrors.git(['cat-file', 'blob', `${commit}:${file}`], {
      gitDir,
      signal,
      keepBytes: maxManifestBytes,
    })
    if (truncated) return { fault: `${file} is too large` }
    const content = new TextEncoder().encode(stdout)
    const [read] = await hostileText.read('manifests', file, [[{ file, content }]], signal)
    if (!read) return { fault: `${file} cannot be read` }
    if (!('manifest' in read)) return { fault: read.message }
    if (!read.manifest.installable) return { fault: `it is marked installable: False in ${file}` }
    return { depends: read.manifest.depends }
  } catch (error) {
    if (signal.aborted) return { fault: 'there was no time to read what it needs in turn' }
    if (error instanceof TaskError || error instanceof ProcessError)
      return { fault: `${file} cannot be read` }
    throw error
  }
}
