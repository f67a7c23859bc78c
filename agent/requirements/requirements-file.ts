import { readFile, realpath } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { lstatIfThere } from '../lstat-if-there.ts'
import { redactUrls } from '../redact-urls.ts'
import { TaskError } from '../tasks/task.ts'
import { parseRequirement, type Requirement } from './requirement.ts'

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
    for (const line of joinLines(text)) {
      const at = `${file}:${line.number}`
      const include = /^(-r|--requirement|-c|--constraint)(?:\s+|=|(?=[^\s-]))(.+)$/.exec(line.text)
      if (include) {
        const path = posix.join(posix.dirname(file), include[2]!.trim())
        await read(
          path,
          include[1]!.includes('c') && !include[1]!.includes('q') ? found.constraints : into,
          at,
        )
      } else into.push(requireRequirement(line.text, at))
      if (found.requirements.length + found.constraints.length > maxRequirements)
        throw invalid(at, `more than ${maxRequirements} requirements`)
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

/** Lines as pip reads them: continued by a backslash, without comments, none of them empty. */
function* joinLines(text: string): Generator<{ text: string; number: number }> {
  let begun: { text: string; number: number } | undefined
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = begun && /^\s*#/.test(raw) ? '' : raw
    const joined: { text: string; number: number } = {
      text: (begun?.text ?? '') + line.replace(/\\$/, ''),
      number: begun?.number ?? index + 1,
    }
    begun = /\\$/.test(line) ? joined : undefined
    if (!begun) yield* withoutComment(joined)
  }
  if (begun) yield* withoutComment(begun)
}

function* withoutComment(line: { text: string; number: number }) {
  const text = line.text.replace(/(^|\s+)#.*$/, '').trim()
  if (text !== '') yield { text, number: line.number }
}

function requireRequirement(line: string, at: string): Requirement {
  const hashes: string[] = []
  const text = line.replace(/\s+--hash[= ]\s*(\S+)/g, (_, hash: string) => {
    hashes.push(hash)
    return ''
  })
  const other = hashes.find((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash))
  if (other !== undefined) throw invalid(at, `--hash=${other.slice(0, 80)}: only sha256 hashes are known`)
  const requirement = parseRequirement(text, at, hashes)
  if (requirement) return requirement
  throw invalid(at, explain(text))
}

function explain(line: string): string {
  const shown = redactUrls(line.slice(0, 100)).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
  if (/^(-e|--editable)\b/.test(line))
    return `${shown}: editable installations run what nobody pinned: name a package and its version`
  if (/^(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host|--no-index)\b/.test(line))
    return `${shown}: where packages come from is set in fairway.yaml (python: { index: https://… })`
  if (/(^|\s)-/.test(line)) return `${shown}: this option is not supported: remove it`
  if (/(^|@\s*)(git|hg|svn|bzr)\+/.test(line))
    return `${shown}: code from a version control system is not installed, as it can't be pinned by hash: publish a wheel to an index and name its version`
  if (/:\/\/|\s@\s|^file:/.test(line))
    return `${shown}: addresses are not installed: publish the package to an index and name its version`
  if (/^[./~]|[/\\]/.test(line))
    return `${shown}: folders and files are not installed: publish the package to an index and name its version`
  return `${shown}: no requirement such as num2words>=0.5`
}

function invalid(at: string, message: string): TaskError {
  return new TaskError('requirements-invalid', `${at}: ${message}`)
}
