import { isMap, type Document as YamlDocument } from 'yaml'
import type { z } from 'zod'
import { readYamlStream } from '../../yaml/read-yaml.ts'
import { keyOffsets, valueOffset } from '../yaml-places.ts'
import { invalidSources, maxFileBytes } from './declaration.ts'

/** One top-level entry of a document. */
export interface YamlEntry<T> {
  key: string
  value: T
  /** File and line of the key. */
  where: string
}

const maxDocuments = 100

/**
 * The documents of a YAML file whose top level are maps, every scalar as the text that was written: `19.0` is no
 * number here. `$NAME` and `${NAME}` stand for variables, in keys and values. Throws TaskError `sources-invalid`.
 */
export function parseYamlFile(
  text: string,
  file: string,
  variables: ReadonlyMap<string, string>,
): YamlEntry<unknown>[][] {
  if (Buffer.byteLength(text) > maxFileBytes) throw invalidSources(file, 'larger than 256 KiB')
  const { documents, at, faultsOf } = readYamlStream(text, { schema: 'failsafe', merge: true })
  if (documents.length > maxDocuments) throw invalidSources(file, `more than ${maxDocuments} documents`)
  const lineOf = (offset: number) => `${file}:${at(offset).line}`
  return documents.map((document) => {
    const [fault] = faultsOf(document, 1).first
    if (fault) throw invalidSources(lineOf(fault.offset), `${fault.message}${hintFor(fault.message)}`)
    if (document.contents === null || isBlank(document)) return []
    if (!isMap(document.contents)) throw invalidSources(file, 'a map of folders is expected')
    const offsets = keyOffsets(document)
    const start = valueOffset(document, [])
    return Object.entries(toPlain(document, file)).map(([key, value]) => {
      const where = lineOf(offsets.get(key) ?? start)
      return { key: expand(key, where, variables), value: expandAll(value, where, variables), where }
    })
  })
}

/** A value as a schema wants it; faults are said with the line of the entry. */
export function requireShape<S extends z.ZodType>(
  schema: S,
  { value, where }: YamlEntry<unknown>,
): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.slice(0, 3).map((issue) => {
    const path = issue.path.length > 0 ? `\`${issue.path.join('.')}\`: ` : ''
    return path + issue.message
  })
  throw invalidSources(where, faults.join('; '))
}

const hintFor = (message: string) =>
  /\balias\b/i.test(message) ? ': a * of its own stands in quotation marks, "*"' : ''

const isBlank = ({ contents }: YamlDocument) =>
  typeof contents === 'object' && contents !== null && 'value' in contents && contents.value === ''

function toPlain(document: YamlDocument, file: string): Record<string, unknown> {
  try {
    const plain = document.toJS({ maxAliasCount: 50 }) as Record<string, unknown>
    // Throws where an alias leads into itself.
    JSON.stringify(plain)
    return plain
  } catch (error) {
    // Aliases of aliases: no single place is at fault.
    throw invalidSources(file, error instanceof Error ? error.message : String(error), error)
  }
}

function expandAll(value: unknown, where: string, variables: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return expand(value, where, variables)
  if (Array.isArray(value)) return value.map((item) => expandAll(item, where, variables))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, item]) => [expand(key, where, variables), expandAll(item, where, variables)]),
  )
}

/** As Python's `string.Template`: `$$` is a dollar. */
function expand(text: string, where: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (_whole, dollar, plain, braced) => {
    if (dollar) return '$'
    const name: string = plain ?? braced
    const value = variables.get(name)
    if (value !== undefined) return value
    throw invalidSources(
      where,
      `\`$${name}\` is not known here: set it under sources.variables in fairway.yaml`,
    )
  })
}
