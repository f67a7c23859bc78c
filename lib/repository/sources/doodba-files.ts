import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { groupBy } from '../../collections/group-by.ts'
import { lstatIfThere } from '../../files/lstat-if-there.ts'
import { hostileText } from '../../hostile-text/hostile-text.ts'
import { findRequirementsFile, type RequirementsFile } from '../../requirements/requirements-file.ts'
import { listShort } from '../../words/list-short.ts'
import { aptName } from '../package-patterns.ts'
import { readRepositoryFile } from '../read-file.ts'
import { invalidSources, maxFileBytes } from './declaration.ts'
import { type Ignoring, ignoreAdvice, isIgnoredFile } from './ignored.ts'
import { adviceFor, type ConfOption } from './odoo-conf.ts'
import type { ListedPackage } from './package-list.ts'

/** What a project in Doodba's layout asks for beside its sources. */
export interface DoodbaFiles {
  /** Debian packages, with file and line. */
  apt: ListedPackage[]
  pip: RequirementsFile[]
  warnings: string[]
  notes: string[]
}

export interface DoodbaFilesContext extends Ignoring {
  /** Names of programs that the base image has; undefined where nobody knows it. */
  executables: readonly string[] | undefined
}

const custom = 'odoo/custom'
const maxFiles = 200

/**
 * Reads what Doodba's build.d/200-dependencies installs, in its order: `<installer>.txt`, then `<number>-<installer>…`.
 * Debian's and Python's packages are for the image. Of what Fairway has no use for it says what to do, as long as the
 * project does not name the file under `sources.ignore`. Throws TaskError `sources-invalid` with file and line.
 */
export async function readDoodbaFiles(root: string, context: DoodbaFilesContext): Promise<DoodbaFiles> {
  const found: DoodbaFiles = { apt: [], pip: [], warnings: [], notes: [] }
  const add = (path: string, text: string) => {
    found.warnings.push(`${path}: ${text}; then name the file under sources.ignore in fairway.yaml`)
  }
  for (const { path, installer } of await listDependencies(root)) await readDependencies(path, installer)
  for (const path of await listFiles(root, `${custom}/conf.d`))
    if (path.endsWith('.conf')) await readConf(path)
  for (const folder of ['build.d', 'entrypoint.d'])
    for (const path of await listFiles(root, `${custom}/${folder}`))
      if (!isIgnoredFile(path, context))
        add(
          path,
          'not run, as nothing of a repository is run: make what it does part of an image of your own',
        )
  return found

  async function readDependencies(path: string, installer: string): Promise<void> {
    if (isIgnoredFile(path, context)) {
      if (installer === 'pip' || installer === 'apt')
        found.notes.push(`${path} is not used, as sources.ignore of fairway.yaml names it`)
      return
    }
    if (installer === 'pip') {
      const what = { kind: 'requirements', testOnly: false, isFound: true } as const
      const file = await findRequirementsFile(root, path, what)
      if (file) found.pip.push(file)
      return
    }
    const packages = await hostileText.read('packageList', path, [await readText(root, path), path])
    if (packages.length === 0) return
    const names = shown(packages.map(({ name }) => name))
    if (installer === 'apt') found.apt.push(...packages.map((one) => requireApt(one, path)))
    else if (installer === 'apt_build')
      found.notes.push(
        `${path} is not used (${names}): Python packages come as wheels; ` +
          `what has to be compiled needs its tools in the image: name them under apt in fairway.yaml`,
      )
    else if (installer === 'gem' || installer === 'npm') {
      const { executables } = context
      const missing = executables ? packages.filter(({ name }) => !isThere(name, executables)) : []
      if (!executables) found.notes.push(`${path} is not used; the base image has to have ${names}`)
      else if (missing.length === 0) found.notes.push(`${path} is not used: the base image has ${names}`)
      else
        add(
          path,
          `not installed: ${shown(missing.map(({ name }) => name))}; ` +
            `make an image that has them and name it under base_image in fairway.yaml`,
        )
    } else add(path, `not read, as ${JSON.stringify(installer.slice(0, 40))} is no installer: rename it`)
  }

  async function readConf(path: string): Promise<void> {
    if (isIgnoredFile(path, context)) return
    const options = await hostileText.read('odooConf', path, [await readText(root, path), path])
    const lost = groupBy(options, (option) => adviceFor(option))
    lost.delete(undefined)
    if (options.length > 0 && lost.size === 0)
      found.notes.push(`${path} is not read: Fairway sets what it sets`)
    const parts = [...lost].map(([advice, named]) => `${shown(named.map(nameOption))}: ${advice}`)
    if (parts.length > 0) add(path, `not read. ${parts.join('; ')}`)
  }
}

/** Programs are often called as the package that brings them: rtlcss, sass. */
function isThere(name: string, executables: readonly string[]): boolean {
  const version = name.indexOf('@', 1)
  return executables.includes(version < 0 ? name : name.slice(0, version))
}

const nameOption = ({ section, name, line }: ConfOption) =>
  `${section === 'options' ? '' : `[${section}] `}${name} (line ${line})`

/** Words of a file of whoever pushes may be as long as it. */
const shown = (names: readonly string[]) => listShort(names, 10, (name) => name.slice(0, 100))

function requireApt({ name, where }: ListedPackage, path: string): ListedPackage {
  if (aptName.test(name)) return { name, where }
  const [plain] = name.split(/[=/:]/)
  const what = JSON.stringify(name.slice(0, 80))
  const fault =
    plain && plain !== name && aptName.test(plain)
      ? `${what}: the name of a Debian package is expected, ${plain}: the lock pins its version`
      : `${what} is no name of a Debian package such as poppler-utils`
  throw invalidSources(where, `${fault}; ${ignoreAdvice(path)}`)
}

async function listDependencies(root: string): Promise<{ path: string; installer: string }[]> {
  const paths = await listFiles(root, `${custom}/dependencies`)
  const named = paths.map((path) => ({ path, name: path.slice(path.lastIndexOf('/') + 1) }))
  const plain = ['apt_build', 'apt', 'gem', 'npm', 'pip'].flatMap((installer) =>
    named.filter(({ name }) => name === `${installer}.txt`).map(({ path }) => ({ path, installer })),
  )
  const numbered = named
    .filter(({ name }) => /^\d[^-]*-/.test(name))
    .map(({ path, name }) => ({ path, installer: name.split(/[-.]/)[1] ?? '' }))
  return [...plain, ...numbered]
}

/** Plain files, sorted by name; hidden ones hold a place. */
async function listFiles(root: string, folder: string): Promise<string[]> {
  const parts = folder.split('/')
  for (let length = 1; length <= parts.length; length++) {
    const found = await lstatIfThere(join(root, ...parts.slice(0, length)))
    if (!found?.isDirectory()) return []
  }
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  if (files.length > maxFiles) throw invalidSources(folder, `more than ${maxFiles} files`)
  return files.map(({ name }) => `${folder}/${name}`).sort()
}

const readText = async (root: string, path: string) =>
  (await readRepositoryFile(root, path, { reason: 'sources-invalid', maxBytes: maxFileBytes })) ?? ''
