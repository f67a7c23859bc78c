import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { ignoredIn } from '../../lib/repository/sources/ignored.ts'
import { asksFor, describeRequirement, type Requirement } from '../../lib/requirements/requirement.ts'
import { TaskError } from '../tasks/task.ts'

/**
 * Makes of what pip said, when it failed, an error that names who asked for what. It is judged by pip's own lines: whatever
 * the build of a package prints is shown, and decides nothing. No credential is asked for, as the index of fairway.yaml is
 * the agent's to fetch, which knows by itself that it was refused.
 *
 * @param refusals what the network refused meanwhile, in words.
 */
export function pipFault(said: string, requirements: readonly Requirement[], refusals = ''): TaskError {
  const whole = said.split('\n').filter((line) => line.trim() !== '')
  const lines = whole.filter(isOwn).map((line) => line.trim())
  const find = (pattern: RegExp) => lines.map((line) => pattern.exec(line)).find((match) => match !== null)

  const old = lines.map((line) => between(line, 'ERROR: pip ', ' is too old', 'last')).find(Boolean)
  if (old)
    return new TaskError('image-unusable', `the image's pip ${old} is too old: 22.2 is needed at least`)
  const refused = lines.map(findRefusal).find(Boolean)
  if (refused)
    return new TaskError(
      'python-index-denied',
      `the package index refuses ${redactUrls(refused.url)} (HTTP ${refused.status}): where packages have to be asked for with a credential, name their index in fairway.yaml (python: { index: https://… })`,
    )
  // Who compares versions, hashes or tools was answered: a connection that broke on the way was tried again.
  const conflict = lines.findIndex((line) => /^The conflict is caused by:/.test(line))
  if (conflict >= 0) return conflicting(lines.slice(conflict + 1), requirements)
  const tools = lines.map(findMissingTools).find(Boolean)
  if (tools)
    return new TaskError(
      'python-build-failed',
      `${redactUrls(tools.wanted)} has no wheel, and the image lacks what builds it: ${tools.missing}; ask for a version with a wheel, or for the Debian package under apt in fairway.yaml`,
    )
  const hash = whole.findIndex((line) => isOwn(line) && /THESE PACKAGES DO NOT MATCH THE HASHES/.test(line))
  if (hash >= 0)
    return new TaskError(
      'python-hash-mismatch',
      `a package is not what was pinned: ${hashesOf(whole.slice(hash)).join(' ')}; find out why before you pin it anew`,
    )
  const unreachable = lines.map(findTrouble).find(Boolean)
  if (unreachable)
    return new TaskError(
      'python-index-unavailable',
      `the package index does not answer (${unreachable}): ${[refusals, last(whole)].filter(Boolean).join('; ')}`,
    )
  const missing = find(/No matching distribution found for ([A-Za-z0-9._-]+)(.*)/)
  if (missing) return absent(missing[1]!, missing[2]!, lines, requirements, refusals)
  return new TaskError('python-failed', `pip failed: ${last(whole)}`)
}

/** pip sets what a build printed six columns in, each line of it (`DiagnosticPipError`); itself it goes no further than four. */
const isOwn = (line: string): boolean => /^ {0,4}[^\s]/.test(line)

const hashesOf = (lines: readonly string[]) =>
  lines.map((line) => line.trim()).filter((line) => /^(Expected|Got)\b/.test(line))

const isComplaint = (line: string): boolean => /^(WARNING|ERROR|pip\._vendor)/.test(line)

const findTrouble = (line: string): string | undefined =>
  isComplaint(line)
    ? /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|ProtocolError|IncompleteRead|SSLError|ProxyError|Connection refused|Temporary failure in name resolution|HTTP error (?:5\d\d|429)|\b(?:5\d\d Server|429 Client) Error\b/.exec(
        line,
      )?.[0]
    : undefined

/** The status as pip itself writes it, of a page (`403 Client Error: … for url: …`) and of a file. */
function findRefusal(line: string): { status: string; url: string } | undefined {
  if (!isComplaint(line)) return undefined
  const error = /\b(?:(401|403) (?:Client )?Error\b|HTTP error (401|403) while getting )/i.exec(line)
  const rest = error ? line.slice(error.index + error[0].length) : ''
  const url = error?.[2] ? /^\S+/.exec(rest)?.[0] : /(?:for url: |for )(\S+)/i.exec(rest)?.[1]
  return error && url ? { status: error[1] ?? error[2]!, url } : undefined
}

function findMissingTools(line: string): { wanted: string; missing: string } | undefined {
  const wanted = between(line, 'Some build dependencies for ', ' are missing: ', 'first')
  const missing = line.split(' are missing: ').slice(1).join(' are missing: ')
  return wanted && missing ? { wanted, missing } : undefined
}

/** What stands between two texts, the second one in its first or last place; undefined where they are not there. */
function between(line: string, before: string, after: string, place: 'first' | 'last'): string | undefined {
  const at = line.indexOf(before)
  if (at < 0) return undefined
  const rest = line.slice(at + before.length)
  const end = place === 'first' ? rest.indexOf(after) : rest.lastIndexOf(after)
  return end < 0 ? undefined : rest.slice(0, end)
}

/** Requirements of one name, for people. */
function whoAsks(name: string, requirements: readonly Requirement[]): string[] {
  return requirements.filter((other) => asksFor(other, name)).map(describeRequirement)
}

/** Undefined for a manifest. */
const fileOf = ({ origin }: Requirement): string | undefined => /^(.*):\d+$/s.exec(origin)?.[1]

function conflicting(lines: readonly string[], requirements: readonly Requirement[]): TaskError {
  const end = lines.findIndex((line) => /^(To fix this|Additionally|ERROR)/.test(line))
  const causes = lines.slice(0, end < 0 ? 10 : Math.min(end, 10))
  const named = causes.flatMap((line) => {
    const asked = /^The user requested (?:\(constraint\) )?([A-Za-z0-9._-]+)/.exec(line)
    return asked ? requirements.filter((other) => asksFor(other, asked[1]!)) : []
  })
  const depends = causes.filter((line) => !line.startsWith('The user requested'))
  const asked = [...new Set(named.map(describeRequirement))].slice(0, 8)
  const causedBy = depends.flatMap((line) => {
    const name = /^([A-Za-z0-9._-]+)(?:\[.*\])? \S+ depends on/.exec(line)?.[1]
    const origins = name ? whoAsks(name, requirements) : []
    return origins.length > 0 ? [`${line} (${origins.join(', ')})`] : [line]
  })
  const found = named.map(fileOf).find((file) => file !== undefined && file !== 'requirements.txt')
  const advice = found ? `; where ${found} is not yours to change, name it under ${ignoredIn}` : ''
  return new TaskError(
    'python-conflict',
    `no versions suit everybody: ${[...asked, ...new Set(causedBy)].join('; ')}`.slice(0, 2000) + advice,
  )
}

function absent(
  name: string,
  rest: string,
  lines: readonly string[],
  requirements: readonly Requirement[],
  refusals: string,
): TaskError {
  const asked = whoAsks(name, requirements)
  const specifier = /^\s*([<>=!~][^\s(]*)/.exec(rest)?.[1] ?? ''
  const offered = lines.map((line) => between(line, '(from versions: ', ')', 'last')).find(Boolean)
  const from = asked.length > 0 ? asked.join(', ') : 'a package that was asked for'
  const why =
    offered && offered !== 'none'
      ? `the index has only ${offered.slice(0, 300)}, or no file of it suits the image`
      : 'the index has none of that name (what one imports may be named otherwise than the package)'
  const refused = refusals ? `; ${refusals}` : ''
  return new TaskError(
    'python-missing',
    `there is no Python package ${name}${specifier}: ${why}${refused}; asked for by ${from}`,
  )
}

const last = (lines: readonly string[]) =>
  redactUrls(
    lines
      .map((line) => line.trim())
      .filter((line) => !/^\[notice\]/.test(line))
      .slice(-4)
      .join(' ')
      .slice(-800),
  )
