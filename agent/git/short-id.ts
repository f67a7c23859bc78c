import type { Git } from './command.ts'

/** The commits of a repository on this host whose ids begin so. */
export async function listCommits(
  git: Git,
  gitDir: string,
  shortId: string,
  signal: AbortSignal,
): Promise<string[]> {
  // Files and folders are among them: an id says nothing of what it is of.
  const { stdout: ids } = await git(['rev-parse', `--disambiguate=${shortId}`], { gitDir, signal })
  if (ids.trim() === '') return []
  const { stdout } = await git(['cat-file', '--batch-check=%(objecttype) %(objectname)'], {
    gitDir,
    signal,
    input: ids,
  })
  return stdout
    .split('\n')
    .flatMap((line) => (line.startsWith('commit ') ? line.slice('commit '.length) : []))
}
