import { moduleNamePattern } from './module-name.ts'
import type { WrittenVersion } from './module-version.ts'
import { PythonFloat, type PythonKey, PythonOther, type PythonValue } from './python-literal.ts'

/** Something in a manifest that Odoo cannot work with. */
export interface ManifestFault {
  /**
   * Odoo stops on it while it reads all manifests, whether the module is installed or not; otherwise only where it is
   * installed.
   */
  readonly stops: boolean
  /** `` `depends` is a string `` */
  readonly what: string
}

/** What Fairway reads from a manifest; everything else in it is ignored. */
export interface Manifest {
  name: string
  version: string
  /** `version` as the manifest has it; what it means differs by series. */
  writtenVersion: WrittenVersion
  depends: string[]
  installable: boolean
  /** What Odoo installs it with, by itself; of none it always does. Undefined: never. */
  autoInstall?: string[]
  /** Codes of countries; it installs itself only where a company is in one of them. */
  countries: string[]
  /** Modules that must not be installed beside it. */
  excludes: string[]
  /** Files that are loaded when it is installed. */
  data: string[]
  /** Files that are loaded with them where there is demonstration data. */
  demo: string[]
  externalPython: string[]
  externalBin: string[]
  /** Something of it runs when it is installed, before or after. */
  hasHooks: boolean
  /** What Odoo would refuse of it, in the order in which it would. */
  faults: ManifestFault[]
}

type Fields = ReadonlyMap<PythonKey, PythonValue>
type Report = (stops: boolean, what: string) => void

/**
 * The fields of a manifest as Odoo would take them, with what it would refuse: `_load_manifest` of
 * odoo/modules/module.py, `initialize` of odoo/modules/db.py, which writes every module into a new database, and
 * `check_manifest_dependencies` and `load_data`, which meet those that are installed.
 */
export function readFields(fields: Fields): Manifest {
  const faults: ManifestFault[] = []
  const report: Report = (stops, what) => void faults.push({ stops, what })
  judgeTexts(fields, report)
  const version = fields.get('version') ?? (fields.has('version') ? null : '1.0')
  const depends = readDepends(fields.get('depends'), report)
  const external = readExternal(fields.get('external_dependencies'), report)
  return {
    name: textOf(fields.get('name')),
    version: textOf(fields.get('version')),
    writtenVersion: { text: pythonText(version), isString: typeof version === 'string' },
    depends,
    installable: truth(fields.get('installable') ?? (fields.has('installable') ? null : true)),
    autoInstall: readAutoInstall(fields.get('auto_install'), depends, report),
    // A string gives letters, none of which is a country.
    countries: names(fields.get('countries')).filter((code) => code.length > 1),
    excludes: names(fields.get('excludes')),
    data: readFiles(fields, ['init_xml', 'data'], report),
    demo: names(fields.get('demo')),
    ...external,
    hasHooks: ['pre_init_hook', 'post_init_hook'].some((key) => truth(fields.get(key) ?? null)),
    faults,
  }
}

function judgeTexts(fields: Fields, report: Report): void {
  if (!fields.has('name')) report(true, '`name` is missing')
  for (const key of ['name', 'summary', 'description'])
    if (holdsOther(fields.get(key) ?? null)) report(true, `\`${key}\` must be a text`)
  const category = fields.get('category') ?? (fields.has('category') ? null : '')
  if (typeof category !== 'string') report(true, '`category` must be a string')
  for (const key of ['application', 'web'])
    if (typeof fields.get(key) === 'number') report(true, `\`${key}\` must be True or False, not a number`)
  const sequence = fields.get('sequence') ?? null
  if (typeof sequence === 'string' && !/^\s*[+-]?\d+\s*$/.test(sequence))
    report(true, '`sequence` must be a number')
  if (fields.has('countries') && !isCollection(fields.get('countries')))
    report(true, '`countries` must be a list')
}

/** JSON, as which these are kept, has neither bytes nor sets. */
function holdsOther(value: PythonValue): boolean {
  if (value instanceof PythonOther || value instanceof Set) return true
  if (Array.isArray(value)) return value.some(holdsOther)
  return value instanceof Map && [...value.values()].some(holdsOther)
}

function readDepends(value: PythonValue | undefined, report: Report): string[] {
  // As Odoo does for a manifest that names nothing.
  if (value === undefined || !truth(value)) return []
  if (typeof value === 'string') {
    report(false, '`depends` is a string, whose letters Odoo takes for modules: a list is expected')
    return [...new Set(value)]
  }
  if (!isCollection(value)) {
    report(true, '`depends` must be a list of strings')
    return []
  }
  const items = itemsOf(value)
  const bad = items.find((item) => typeof item !== 'string' || !moduleNamePattern.test(item))
  if (bad !== undefined) report(false, `\`depends\` holds ${shown(bad)}, which is no module name`)
  return [...new Set(items.filter((item) => typeof item === 'string'))]
}

/** A collection names the triggers; whatever else is not False is automatic, None and 0 as well. */
function readAutoInstall(
  value: PythonValue | undefined,
  depends: string[],
  report: Report,
): string[] | undefined {
  if (value === undefined || value === false) return undefined
  if (!isCollection(value)) return truth(value) ? depends : []
  const known = new Set(depends.length > 0 ? depends : ['base'])
  const triggers = itemsOf(value)
  const bad = triggers.find((item) => typeof item !== 'string' || !known.has(item))
  if (bad !== undefined) report(true, `\`auto_install\` names ${shown(bad)}, which is not in \`depends\``)
  return triggers.filter((item) => typeof item === 'string')
}

function readExternal(
  value: PythonValue | undefined,
  report: Report,
): Pick<Manifest, 'externalPython' | 'externalBin'> {
  if (value === undefined || !truth(value)) return { externalPython: [], externalBin: [] }
  if (!(value instanceof Map)) {
    report(false, '`external_dependencies` must be a dictionary with `python` and `bin`')
    return { externalPython: [], externalBin: [] }
  }
  const list = (key: string): string[] => {
    const given = value.get(key)
    if (given === undefined) return []
    const items = typeof given === 'string' || !isCollection(given) ? undefined : itemsOf(given)
    if (!items?.every((item) => typeof item === 'string')) {
      report(false, `\`external_dependencies.${key}\` must be a list of strings`)
      return []
    }
    return items
  }
  return { externalPython: list('python'), externalBin: list('bin') }
}

function readFiles(fields: Fields, keys: readonly string[], report: Report): string[] {
  return keys.flatMap((key) => {
    const value = fields.get(key)
    if (value === undefined) return []
    const items = typeof value === 'string' || !isCollection(value) ? undefined : itemsOf(value)
    if (items?.every((item) => typeof item === 'string')) return items
    report(false, `\`${key}\` must be a list of files`)
    return []
  })
}

/** Names in a collection; nobody is stopped by what else it holds. */
const names = (value: PythonValue | undefined): string[] =>
  isCollection(value) ? itemsOf(value).filter((item) => typeof item === 'string') : []

type PythonCollection = string | PythonValue[] | Set<PythonValue> | Map<PythonKey, PythonValue>

const isCollection = (value: PythonValue | undefined): value is PythonCollection =>
  typeof value === 'string' || Array.isArray(value) || value instanceof Set || value instanceof Map

/** What Python's `for` gives of it. */
const itemsOf = (value: PythonCollection): PythonValue[] =>
  value instanceof Map ? [...value.keys()] : [...(value as Iterable<PythonValue>)]

/** Python's `bool()`. */
function truth(value: PythonValue): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map || value instanceof Set) return value.size > 0
  if (value instanceof PythonOther) return value.truth
  return value instanceof PythonFloat ? value.value !== 0 : Boolean(value)
}

const textOf = (value: PythonValue | undefined): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : pythonText(value)

/** Python's `str()`, as far as it matters in a version. */
function pythonText(value: PythonValue): string {
  if (typeof value === 'number' || value instanceof PythonFloat) return String(value)
  if (typeof value === 'string') return value
  return shown(value)
}

function shown(value: PythonValue): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value instanceof PythonOther) return value.kind
  if (value instanceof PythonFloat) return String(value)
  if (typeof value === 'object') return 'a collection'
  return JSON.stringify(value).slice(0, 60)
}
