import { TaskError } from '../tasks/task.ts'
import { type PythonKey, type PythonValue, parsePythonLiteral } from './python-literal.ts'
import { PythonLiteralError } from './python-string.ts'

/** What Fairway reads from a `__manifest__.py`; everything else in it is ignored. */
export interface Manifest {
  name: string
  version: string
  depends: string[]
  installable: boolean
  /** What Odoo installs it with, by itself; of none it always does. Undefined: never. */
  autoInstall?: string[]
  /** Codes of countries; it installs itself only where a company is in one of them. */
  countries: string[]
  /** Modules that must not be installed beside it. */
  excludes: string[]
  externalPython: string[]
  externalBin: string[]
}

export const maxManifestBytes = 256 * 1024

/**
 * Reads a manifest without executing it. `file` names it in errors, which are TaskErrors `manifest-invalid`
 * of the form `sale_x/__manifest__.py:3:14: only literal values are allowed, not a function call`.
 */
export function parseManifest(content: Uint8Array, file: string): Manifest {
  if (content.byteLength > maxManifestBytes)
    throw invalid(file, `larger than ${maxManifestBytes / 1024} KiB, which no manifest needs`)
  const source = decodeText(content, file)
  let value: PythonValue
  try {
    value = parsePythonLiteral(source)
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    throw invalid(`${file}:${position(source, error.offset)}`, error.message, error)
  }
  if (!(value instanceof Map)) throw invalid(file, 'a manifest is one dictionary')
  return readFields(value, file)
}

function readFields(fields: Map<PythonKey, PythonValue>, file: string): Manifest {
  const external = fields.get('external_dependencies') ?? new Map()
  if (!(external instanceof Map)) throw invalid(file, '`external_dependencies` must be a dictionary')
  const depends = moduleNames(fields.get('depends'), file)
  return {
    name: text(fields, 'name', file),
    version: text(fields, 'version', file),
    depends,
    installable: Boolean(fields.get('installable') ?? true),
    autoInstall: readAutoInstall(fields.get('auto_install'), depends, file),
    countries: strings(fields.get('countries'), 'countries', file),
    excludes: strings(fields.get('excludes'), 'excludes', file),
    externalPython: strings(external.get('python'), 'external_dependencies.python', file),
    externalBin: strings(external.get('bin'), 'external_dependencies.bin', file),
  }
}

/** As `load_manifest` has it: a list names the triggers, and whatever is not False is automatic, None and 0 as well. */
function readAutoInstall(
  value: PythonValue | undefined,
  depends: string[],
  file: string,
): string[] | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return depends
  return Array.isArray(value) ? strings(value, 'auto_install', file) : value ? depends : []
}

function text(fields: Map<PythonKey, PythonValue>, key: string, file: string): string {
  const value = fields.get(key) ?? ''
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') throw invalid(file, `\`${key}\` must be a string`)
  return value
}

function strings(value: PythonValue | undefined, key: string, file: string): string[] {
  const list = typeof value === 'string' ? [value] : (value ?? [])
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    throw invalid(file, `\`${key}\` must be a list of strings`)
  return list
}

/** What Odoo itself accepts as a module's name; keeps options and paths out of command lines. */
export const moduleNamePattern = /^[a-zA-Z0-9_]{1,128}$/

function moduleNames(value: PythonValue | undefined, file: string): string[] {
  const names = strings(value, 'depends', file)
  const bad = names.find((name) => !moduleNamePattern.test(name))
  if (bad !== undefined)
    throw invalid(file, `\`depends\` holds ${JSON.stringify(bad.slice(0, 60))}, which is no module name`)
  return [...new Set(names)]
}

function decodeText(content: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch (error) {
    throw invalid(file, 'not valid UTF-8', error)
  }
}

function position(source: string, offset: number): string {
  const before = source.slice(0, offset).split('\n')
  return `${before.length}:${before.at(-1)!.length + 1}`
}

function invalid(where: string, message: string, cause?: unknown): TaskError {
  return new TaskError('manifest-invalid', `${where}: ${message}`, { cause })
}
