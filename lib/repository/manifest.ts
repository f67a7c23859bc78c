import { TaskError } from '../faults/task-error.ts'
import { isPointer, pointerFault } from '../files/lfs-pointer.ts'
import { type Manifest, readFields } from './manifest-fields.ts'
import { type PythonValue, parsePythonLiteral } from './python-literal.ts'
import { PythonLimitError, PythonLiteralError } from './python-string.ts'

export const maxManifestBytes = 4 * 1024 ** 2

/**
 * What Odoo makes of a manifest that is not read here: it passes over a folder whose manifest it cannot read, and stops on one
 * that holds another value (`_from_path` and `_load_manifest` of odoo/modules/module.py). `takes`: it has no such limit.
 */
export type UnreadFate = 'skips' | 'stops' | 'takes'

export class ManifestError extends TaskError {
  readonly odoo: UnreadFate
  constructor(odoo: UnreadFate, where: string, message: string, cause?: unknown) {
    super('manifest-invalid', `${where}: ${message}`, { cause })
    this.odoo = odoo
  }
}

/**
 * Reads a manifest without executing it. `file` names it in errors, which are ManifestErrors
 * of the form `sale_x/__manifest__.py:3:14: only literal values are allowed, not a function call`.
 */
export function parseManifest(content: Uint8Array, file: string): Manifest {
  if (content.byteLength > maxManifestBytes) {
    const limit = `${maxManifestBytes / 1024 ** 2} MiB`
    throw new ManifestError('takes', file, `larger than ${limit}, which no manifest needs`)
  }
  if (isPointer(content)) throw invalid(file, pointerFault)
  const source = decodeText(content, file)
  if (source.startsWith('\ufeff'))
    throw invalid(
      file,
      'begins with a byte order mark (U+FEFF), which Odoo does not take: save it as UTF-8 without',
    )
  let value: PythonValue
  try {
    value = parsePythonLiteral(source)
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    const odoo = error instanceof PythonLimitError ? 'takes' : 'skips'
    throw new ManifestError(odoo, `${file}:${position(source, error.offset)}`, error.message, error)
  }
  if (!(value instanceof Map)) {
    const comma = Array.isArray(value) && value[0] instanceof Map ? ', and no comma is behind it' : ''
    throw new ManifestError('stops', file, `a manifest is one dictionary${comma}`)
  }
  return readFields(value)
}

/** As Python reads a file of text: each of the three ends of a line is one. */
function decodeText(content: Uint8Array, file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    return text.replace(/\r\n?/g, '\n')
  } catch (error) {
    throw invalid(file, 'not valid UTF-8: save it so', error)
  }
}

function position(source: string, offset: number): string {
  const before = source.slice(0, offset).split('\n')
  return `${before.length}:${before.at(-1)!.length + 1}`
}

const invalid = (file: string, message: string, cause?: unknown) =>
  new ManifestError('skips', file, message, cause)
