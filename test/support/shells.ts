import { fileURLToPath } from 'node:url'
import { run } from '../../packaging/dev/command.ts'
import { ensureBaseImage } from '../../packaging/images/base-image.ts'
import { dockerBuild, isUpToDate } from '../../packaging/images/docker-build.ts'
import { findMirror } from '../../packaging/images/mirror.ts'
import { recipeOf } from '../../packaging/images/recipe.ts'

const context = fileURLToPath(new URL('shells', import.meta.url))
const tag = 'fairway/test-shells:trixie'

/** An image with zsh, fish, groff and mandoc; built the first time. */
export async function ensureShellsImage(): Promise<void> {
  const base = await ensureBaseImage('trixie', await findMirror(), false)
  const recipe = await recipeOf(context, { base })
  if (!(await isUpToDate(tag, recipe))) await dockerBuild({ tag, context, recipe, args: { BASE: base } })
}

/** Runs a script in that image, with a folder at /given and without a network; gives what it printed. */
export const runInShells = (folder: string, script: string, input = ''): Promise<string> =>
  run(
    'docker',
    [
      ...['run', '--rm', '--interactive', '--network', 'none', '--volume', `${folder}:/given:ro`],
      ...['--env', 'LANG=C.UTF-8', '--env', 'PATH=/given:/usr/bin:/bin', '--env', 'TERM=xterm'],
      ...[tag, 'sh', '-ec', script],
    ],
    { input },
  )
