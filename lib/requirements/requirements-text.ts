import { redactUrls } from '../addresses/redact-urls.ts'
import { TaskError } from '../faults/task-error.ts'
import { findPublished } from './published-repositories.ts'
import { parseRequirement, type Requirement } from './requirement.ts'

/** What a line of a file of requirements asks for: a package, or what another file asks for. */
export type RequirementsLine =
  | { readonly at: string; readonly requirement: Requirement }
  /** `narrows`: the other file asks for nothing, and narrows what others ask for. */
  | { readonly at: string; readonly path: string; readonly narrows: boolean }
  /** What is not taken, and why; `published`: the package on the index that the line means. */
  | { readonly at: string; readonly fault: string; readonly published?: Requirement }

/** As pip itself would take it, one file at a time. */
const maxLines = 1_000

/**
 * Reads a file of requirements, which `file` names in errors, without running anything. What is not a package by name is
 * a fault with file and line. Throws TaskError `requirements-invalid` where there is too much of it.
 */
export function parseRequirements(text: string, file: string): RequirementsLine[] {
  const lines: RequirementsLine[] = []
  for (const line of joinLines(text)) {
    const at = `${file}:${line.number}`
    if (lines.length === maxLines) throw invalid(at, `more than ${maxLines} requirements`)
    const include = findInclude(line.text)
    lines.push({ at, ...(include ?? readRequirement(line.text, at)) })
  }
  return lines
}

/** Lines as pip reads them: continued by a backslash, without comments, none of them empty. */
function* joinLines(text: string): Generator<{ text: string; number: number }> {
  let begun: { text: string; number: number } | undefined
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = begun && /^\s*#/.test(raw) ? '' : raw
    const goesOn = line.endsWith('\\')
    const joined: { text: string; number: number } = {
      text: (begun?.text ?? '') + (goesOn ? line.slice(0, -1) : line),
      number: begun?.number ?? index + 1,
    }
    begun = goesOn ? joined : undefined
    if (!begun) yield* withoutComment(joined)
  }
  if (begun) yield* withoutComment(begun)
}

function* withoutComment(line: { text: string; number: number }) {
  const text = line.text.slice(0, commentStart(line.text)).trim()
  if (text !== '') yield { text, number: line.number }
}

/** Of a # at the beginning or behind a blank. What stands behind an end of line of Unicode's is no comment. */
function commentStart(line: string): number {
  const from = 1 + Math.max(line.lastIndexOf('\u2028'), line.lastIndexOf('\u2029'))
  for (let at = line.indexOf('#', from); at >= 0; at = line.indexOf('#', at + 1))
    if (at === 0 || /\s/.test(line[at - 1]!)) return at
  return line.length
}

/** `-r more.txt`, `--constraint=limits.txt`, `-cmore.txt` */
function findInclude(line: string): { path: string; narrows: boolean } | { fault: string } | undefined {
  const [, option, rest = ''] = /^(-r|--requirement|-c|--constraint)(.+)$/.exec(line) ?? []
  if (option === undefined || rest.startsWith('-')) return undefined
  if (variable.test(rest) || rest.includes('://')) return { fault: explain(line) }
  const path = rest.startsWith('=') && rest.length > 1 ? rest.slice(1) : rest
  return { path: path.trim(), narrows: option === '-c' || option === '--constraint' }
}

function readRequirement(
  line: string,
  at: string,
): { requirement: Requirement } | { fault: string; published?: Requirement } {
  const hashes: string[] = []
  const text = line.replace(/(?<!\s)\s+--hash[= ]\s*(\S+)/g, (_, hash: string) => {
    hashes.push(hash)
    return ''
  })
  const other = hashes.find((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash))
  if (other !== undefined) return { fault: `--hash=${other.slice(0, 80)}: only sha256 hashes are known` }
  const requirement = parseRequirement(text, at, hashes)
  if (requirement) return { requirement }
  const published = findPublished(text, at)
  return published ? { fault: explainPublished(text, published), published } : { fault: explain(text) }
}

/** pip would put the environment's value there. */
const variable = /\$\{[A-Z0-9_]+\}/

const show = (line: string) => redactUrls(line.slice(0, 100)).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')

const explainPublished = (line: string, { text }: Requirement) =>
  `${show(line)}: code from a version control system is not installed, as it can't be pinned by hash: write ${text}, which is published from this repository`

function explain(line: string): string {
  const shown = show(line)
  if (variable.test(line))
    return `${shown}: variables of the environment are not put in, as the lock could not say what they were: write what they stand for; passwords of an index are set with fairway credential set`
  if (/^(-e|--editable)\b/.test(line))
    return `${shown}: editable installations run what nobody pinned: name a package and its version`
  if (/^(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host|--no-index)\b/.test(line))
    return `${shown}: where packages come from is set in fairway.yaml (python: { index: https://… })`
  if (/^(-r|-c|--requirement|--constraint)\b/.test(line))
    return `${shown}: only files of the repository can be named: commit the file`
  if (/^--require-hashes$/.test(line))
    return `${shown}: remove it: every package is pinned by hash anyway, and hashes that are given must be met`
  if (/(^|\s)-/.test(line)) return `${shown}: this option is not supported: remove it`
  if (/(^|@\s*)(git|hg|svn|bzr)\+/.test(line))
    return `${shown}: code from a version control system is not installed, as it can't be pinned by hash: publish a wheel to an index and name its version`
  if (/:\/\/|\s@\s|^file:/.test(line))
    return `${shown}: addresses are not installed: publish the package to an index and name its version`
  if (/^[./~]|[/\\]/.test(line))
    return `${shown}: folders and files are not installed: publish the package to an index and name its version`
  return `${shown}: no requirement such as num2words>=0.5`
}

export function invalid(at: string, message: string): TaskError {
  return new TaskError('requirements-invalid', `${at}: ${message}`)
}
