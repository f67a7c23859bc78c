import { readFile, realpath } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { lstatIfThere } from '../lstat-if-there.ts'
import type { Requirement } from './requirement.ts'
import { invalid } from './requirements-text.ts'

const requirementsFileName = 'requirements.txt'

const maxBytes = 256 * 1024
const maxFiles = 20
const maxRequirements = 1000

export interface RequirementsFile {
  readonly requirements: Requirement[]
  /** Of files that were named with `-c`: they ask for nothing, and narrow what others ask for. */
  readonly constraints: Requirement[]
}

/**
 * Reads the project's requirements.txt and the files that it names, all inside the repository, without running anything;
 * a project without the file asks for nothing. Throws TaskError `requirements-invalid` with file and line for what is not
 * a package by name: addresses, folders and options would fetch or run what nobody pinned.
 */
export async function readRequirementsFile(root: string): Promise<RequirementsFile> {
  const found: RequirementsFile = { requirements: [], constraints: [] }
  const seen = new Set<string>()

  async function read(file: string, into: Requirement[], from: string | undefined): Promise<void> {
    const text = await readInside(root, file, from)
    if (text === undefined || seen.has(file)) return
    seen.add(file)
    if (seen.size > maxFiles) throw invalid(from ?? file, `more than ${maxFiles} files of requirements`)
    for (const line of await hostileText.read('requirements', file, [text, file])) {
      if ('path' in line) {
        const path = posix.join(posix.dirname(file), line.path)
        await read(path, line.narrows ? found.constraints : into, line.at)
      } else into.push(line.requirement)
      if (found.requirements.length + found.constraints.length > maxRequirements)
        throw invalid(line.at, `more than ${maxRequirements} requirements`)
    }
  }

  await read(requirementsFileName, found.requirements, undefined)
  return found
}

/** Undefined when the project has no requirements.txt; a file that one names must be there. */
async function readInside(root: string, file: string, from: string | undefined): Promise<string | undefined> {
  const where = from ?? file
  if (file.startsWith('../') || file.startsWith('/') || file === '..')
    throw invalid(where, `${file} is outside of the repository`)
  const path = join(root, file)
  const stat = await lstatIfThere(path)
  if (!stat && from === undefined) return undefined
  if (!stat?.isFile()) throw invalid(where, `${file} is no plain file of the repository`)
  if (!(await realpath(path)).startsWith(`${await realpath(root)}/`))
    throw invalid(where, `${file} is outside of the repository`)
  if (stat.size > maxBytes) throw invalid(where, `${file} is larger than ${maxBytes / 1024} KiB`)
  return readFile(path, 'utf8')
}
