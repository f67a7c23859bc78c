import { join } from 'node:path'
import { TaskError } from '../../faults/task-error.ts'
import { lstatIfThere } from '../../files/lstat-if-there.ts'

/** Top folder of an assembled project that repositories of addons are placed in: no file of the project may be there. */
export const sourcesFolder = '.fairway-sources'

/** @throws TaskError `path-reserved`. */
export async function refuseReserved(files: string): Promise<void> {
  if (await lstatIfThere(join(files, sourcesFolder)))
    throw new TaskError('path-reserved', `the repository holds ${sourcesFolder}, a name that Fairway needs`)
}

const manifest = /\/__(?:manifest|openerp)__\.py$/
/** Of `sourcesFolder`, with the line and column that may follow. */
const inSources = /\.fairway-sources\/([^\s"'`:,;()]+)((?::\d+)*)/g

/**
 * A module's folder, as people know it: `sale_x of web` for one of a source, which is placed in a folder that no user has;
 * others as they are.
 */
export function shownFolder(path: string): string {
  if (!path.startsWith(`${sourcesFolder}/`)) return path
  const [, ...parts] = path.split('/')
  const module = parts.pop()
  return parts.length > 0 ? `${module} of ${parts.join('/')}` : `${module}`
}

/** A file or folder of the source in `source`, as `tpl/x.py of web`; where that is empty it is the project's own. */
export function shownPath(path: string, source: string): string {
  if (source === '') return path
  const name = source.slice(sourcesFolder.length + 1)
  return path === source ? name : `${path.slice(source.length + 1)} of ${name}`
}

/**
 * The same for all manifests of sources that a text names: `sale_x/__manifest__.py:3 of web`. Names of other files stay: those of
 * lists of requirements are what one writes under `sources.ignore`, and the lock has sources by their folders.
 */
export const showManifests = (text: string): string =>
  text.replaceAll(inSources, (whole, path: string, line: string) => {
    const [file] = manifest.exec(path) ?? []
    if (file === undefined) return whole
    const [module, folder] = shownFolder(`${sourcesFolder}/${path.slice(0, -file.length)}`).split(' of ')
    return folder === undefined
      ? `${file.slice(1)}${line} of ${module}`
      : `${module}${file}${line} of ${folder}`
  })
