import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../dev/command.ts'
import type { Source } from './tarball.ts'

/** A checkout as git sees it: what is handed out is what a commit has, not what lies about in a folder. */
export interface TrackedFiles {
  /**
   * Files below a folder that git knows, as contents by their paths in the checkout, as they are there now. `keep` is asked for
   * each path below the folder. Throws where there is none.
   */
  list(folder: string, keep?: (path: string) => boolean): Promise<Map<string, Source>>
  /** What differs from the commit, new files too, in the words of `git status --short`. */
  listChanges(): Promise<string[]>
}

/** Throws where the folder is no checkout of its own: a copy without `.git`, also inside of another checkout. */
export async function openTracked(checkout: string): Promise<TrackedFiles> {
  // Without optional locks: others may be committing.
  const git = (...words: string[]) => run('git', ['--no-optional-locks', ...words], { cwd: checkout })
  const top = await git('rev-parse', '--show-toplevel').catch((error: unknown) => {
    throw new Error(`${noCheckout(checkout)}\n\n${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  })
  if ((await realpath(top.trim())) !== (await realpath(checkout))) throw new Error(noCheckout(checkout))
  return {
    async list(folder, keep = () => true) {
      const listed = await names(git('ls-files', '-z', '--', `${folder}/`))
      const deleted = new Set(await names(git('ls-files', '-z', '--deleted', '--', `${folder}/`)))
      const kept = listed.filter((path) => !deleted.has(path) && keep(path.slice(folder.length + 1)))
      if (kept.length === 0) throw new Error(`git knows no file in ${folder} that an artefact is made of`)
      return new Map(kept.map((path) => [path, { file: join(checkout, path) }] as const))
    },
    listChanges: async () =>
      (await git('status', '--short', '--untracked-files=all')).split('\n').filter(Boolean),
  }
}

const names = async (listing: Promise<string>): Promise<string[]> =>
  (await listing).split('\0').filter(Boolean)

const noCheckout = (folder: string) =>
  `${folder} is no git checkout, and artefacts are made of what git knows: \`git clone\` the repository, and build there.`
