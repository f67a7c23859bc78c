import { readFile, realpath } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { TaskError } from '../faults/task-error.ts'
import { lstatIfThere } from '../files/lstat-if-there.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { ignoreAdvice } from '../repository/sources/ignored.ts'
import type { Requirement } from './requirement.ts'
import { invalid } from './requirements-text.ts'

const maxBytes = 256 * 1024
const maxFiles = 300
const maxRequirements = 5000

/**
 * A file of requirements that the project has. Who finds one hands it over; what its lines mean is said here and nowhere
 * else.
 */
export interface RequirementsFile {
  /** In the assembled source, for people, and for what the file itself names: `vendor/requirements.txt`. */
  readonly path: string
  /** As it lies there: encodings are pip's affair. */
  readonly content: Uint8Array
  /** `constraints` ask for nothing, and narrow what others ask for. */
  readonly kind: 'requirements' | 'constraints'
  /** For tests alone: what of it is not taken is said, and left out. */
  readonly testOnly: boolean
  /** Anything but what the project has at the top of its repository: it may be another's, or another tool's as well. */
  readonly isFound: boolean
}

export interface ProjectRequirements {
  readonly requirements: Requirement[]
  readonly constraints: Requirement[]
}

/**
 * Reads files of requirements and the files that they name, all inside of `root`, each once, without running anything.
 * Throws TaskError `requirements-invalid` with file and line for what is not a package by name: addresses, folders and
 * options would fetch or run what nobody pinned. In files for tests it is left out, which `warn` is told; in files that are
 * found, a line that means a published package is taken for that one, which `note` is told.
 */
export async function readRequirements(
  root: string,
  files: readonly RequirementsFile[],
  { warn, note }: { warn(text: string): void; note(text: string): void },
): Promise<ProjectRequirements> {
  const found: ProjectRequirements = { requirements: [], constraints: [] }
  const seen = new Set<string>()

  async function read(file: RequirementsFile, from: string | undefined): Promise<void> {
    const { path, content, kind, testOnly, isFound } = file
    const key = `${kind} ${path}`
    if (seen.has(key)) return
    seen.add(key)
    if (seen.size > maxFiles) throw invalid(from ?? path, `more than ${maxFiles} files of requirements`)
    for (const line of await hostileText.read('requirements', path, [content, path])) {
      if ('fault' in line && line.published && isFound && kind === 'requirements') {
        note(`${line.at}: taken as ${line.published.text}, which is published from this repository`)
        found.requirements.push(line.published)
      } else if ('fault' in line) {
        if (!testOnly) throw invalid(line.at, line.fault)
        warn(`left out: ${line.at}: ${line.fault}`)
      } else if ('path' in line) {
        // As in pip, what a file of constraints names with -r are requirements.
        const its = line.narrows ? 'constraints' : 'requirements'
        const named = posix.join(posix.dirname(path), line.path)
        const content = await readNamed(root, named, line.at)
        await read({ ...file, path: named, content, kind: its }, line.at)
      } else found[kind].push(kind === 'constraints' ? requireConstraint(line) : line.requirement)
      if (found.requirements.length + found.constraints.length > maxRequirements)
        throw invalid(line.at, `more than ${maxRequirements} requirements`)
    }
  }

  for (const file of files) await offerToIgnore(file, () => read(file, undefined))
  return found
}

function requireConstraint({ at, requirement }: { at: string; requirement: Requirement }): Requirement {
  if (/^[^;]*\[/.test(requirement.text))
    throw invalid(
      at,
      `${requirement.text.slice(0, 100)}: constraints cannot have extras: name the package alone`,
    )
  return requirement
}

/** Undefined where there is none. Throws TaskError `requirements-invalid`. */
export async function findRequirementsFile(
  root: string,
  path: string,
  what: Omit<RequirementsFile, 'path' | 'content'>,
): Promise<RequirementsFile | undefined> {
  if (!(await lstatIfThere(join(root, path)))) return undefined
  const content = await offerToIgnore({ path, ...what }, () => readNamed(root, path, path))
  return { path, content, ...what }
}

/** Who is not the author of a file can still go without it. */
async function offerToIgnore<T>(
  { path, isFound }: Pick<RequirementsFile, 'path' | 'isFound'>,
  reading: () => Promise<T>,
): Promise<T> {
  try {
    return await reading()
  } catch (error) {
    if (!isFound || !(error instanceof TaskError) || error.reason !== 'requirements-invalid') throw error
    throw new TaskError(error.reason, `${error.message}; ${ignoreAdvice(path)}`, { cause: error })
  }
}

/** `where`: who names it, for people. */
async function readNamed(root: string, file: string, where: string): Promise<Uint8Array> {
  if (file.startsWith('../') || file.startsWith('/') || file === '..')
    throw invalid(where, `${file} is outside of the repository`)
  const path = join(root, file)
  const stat = await lstatIfThere(path)
  if (stat?.isSymbolicLink())
    throw invalid(where, `${file} is a symbolic link, which is not followed; put the file there`)
  if (!stat?.isFile()) throw invalid(where, `${file} is no plain file of the repository`)
  if (!(await realpath(path)).startsWith(`${await realpath(root)}/`))
    throw invalid(where, `${file} is outside of the repository`)
  if (stat.size > maxBytes) throw invalid(where, `${file} is larger than ${maxBytes / 1024} KiB`)
  return readFile(path)
}
