import { TaskError } from '../tasks/task.ts'
import { type Manifest, readFields } from './manifest-fields.ts'
import { type PythonValue, parsePythonLiteral } from './python-literal.ts'
import { PythonLiteralError } from './python-string.ts'

export const maxManifestBytes = 4 * 1024 ** 2

/**
 * Reads a manifest without executing it. `file` names it in errors, which are TaskErrors `manifest-invalid`
 * of the form `sale_x/__manifest__.py:3:14: only literal values are allowed, not a function call`.
 */
export function parseManifest(content: Uint8Array, file: string): Manifest {
  if (content.byteLength > maxManifestBytes)
    throw invalid(file, `larger than ${maxManifestBytes / 1024 ** 2} MiB, which no manifest needs`)
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
    throw invalid(`${file}:${position(source, error.offset)}`, error.message, error)
  }
  if (!(value instanceof Map)) throw invalid(file, 'a manifest is one dictionary')
  return readFields(value)
}

/** As Python reads a file of text: each of the three ends of a line is one. */
function decodeText(content: Uint8Array, file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    return text.replace(/\r\n?/g, '\n')
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
