import { rulesOf } from './odoo-series.ts'
import { seriesOf } from './series.ts'

/** What an Odoo makes of the `version` in a manifest. */
export interface VersionVerdict {
  /** Why the module cannot be installed, for people; undefined: it can. */
  readonly fault?: string
  /** It is a version for another series: nothing is wrong with the module, it is just not migrated. */
  readonly otherSeries?: boolean
  /** Odoo stops on it while it reads all manifests, whether anybody installs the module or not. */
  readonly stops?: boolean
  /** What it does not refuse and people should know. */
  readonly remark?: string
}

/** A value of a manifest, as Python prints it, and whether it was a string. */
export interface WrittenVersion {
  readonly text: string
  readonly isString: boolean
}

/** `series` is that of the project's Odoo; empty where nobody says it: nothing is judged then. */
export function judgeVersion({ text, isString }: WrittenVersion, series: string): VersionVerdict {
  if (series === '') return {}
  const rules = rulesOf(series)
  if (!isString && !rules.versionOfAnyType)
    return { stops: true, fault: `has the version ${text}, which is no string: Odoo ${series} stops on it` }
  const its = seriesOf(text)
  if (rules.version === 'any')
    return its !== undefined && its !== series
      ? { remark: `has version ${text}; Odoo ${series} takes it all the same` }
      : {}
  const stops = rules.version === 'strict' ? isRefused(text, series) : adapt(text, series) === undefined
  const fits = !stops && (rules.version === 'strict' || adapt(text, series)!.startsWith(`${series}.`))
  if (fits) return {}
  if (its !== undefined && its !== series)
    return {
      otherSeries: true,
      stops,
      fault: `has version ${text}, but the project is for Odoo ${series}`,
    }
  const form = `x.y, x.y.z, ${series}.x.y or ${series}.x.y.z`
  const what =
    text === series ? `has version ${text}, which is only the series` : `has version ${shown(text)}`
  return {
    stops,
    fault: stops
      ? `${what}: Odoo ${series} stops on it while it reads all manifests (\`adapt_version\`); it takes ${form}`
      : `${what}: Odoo ${series} makes such a module uninstallable (\`check_version\`); it takes ${form}`,
  }
}

/** `adapt_version` of 17.0 and 18.0: whether it raises. */
function isRefused(version: string, series: string): boolean {
  const own = version.startsWith(`${series}.`) ? version.slice(series.length + 1) : version
  // `$` of Python matches before a newline at the end, too.
  return !/^[0-9]+\.[0-9]+(?:\.[0-9]+)?\n?$/.test(own)
}

/** `adapt_version` from 19.0 on; undefined: it raises. */
function adapt(version: string, series: string): string | undefined {
  const parts = version.split('.')
  if (parts.length < 2 || parts.length > 5) return undefined
  const isOwn = version.startsWith(series)
  if (isOwn && !/^\d+$/.test(parts[0]!)) parts[0] = parts[0]!.replace(/\D/g, '')
  if (!parts.every(isPythonInteger)) return undefined
  return parts.length <= 3 && !isOwn ? `${series}.${version}` : version
}

/** What Python's `int()` takes: a sign, spaces around it and single underscores between digits, of any script. */
const isPythonInteger = (text: string): boolean => {
  // What `str.isspace` takes for one: not U+FEFF, which `trim` takes, but U+0085.
  const space = /[\t-\r\x85\p{Zs}\u2028\u2029]/u
  const chars = [...text]
  const first = chars.findIndex((char) => !space.test(char))
  const last = chars.findLastIndex((char) => !space.test(char))
  return /^[+-]?\p{Nd}(?:_?\p{Nd})*$/u.test(chars.slice(first, last + 1).join(''))
}

const shown = (text: string) => (text === '' ? 'of no text' : JSON.stringify(text.slice(0, 60)))
