import {
  type Document,
  type DocumentOptions,
  LineCounter,
  type ParseOptions,
  parseAllDocuments,
  parseDocument,
  type SchemaOptions,
  type YAMLError,
} from 'yaml'
import { inspectNodes, type YamlFault } from './inspect-nodes.ts'

/** What a schema of values may ask of the library; how keys are compared and faults are worded is ours. */
export type YamlOptions = Omit<ParseOptions & DocumentOptions & SchemaOptions, 'uniqueKeys' | 'prettyErrors'>

/** How many faults a document has, warnings included, and the first of them. */
export interface YamlFaults {
  readonly count: number
  readonly first: readonly YamlFault[]
}

export interface YamlText {
  /** From 1. */
  at(offset: number): { readonly line: number; readonly column: number }
  /** Only `most` of them are worded. */
  faultsOf(document: Document, most: number): YamlFaults
}

// Reads YAML of strangers in time that grows with its length and no faster. The library by itself compares each key of a
// map with all the others, quotes the whole line with each fault, and looks for what an alias means among all nodes: here
// keys are looked up, only faults that are shown are worded, and a document has at most 200 anchors and aliases.

/** A text that is one document. Never throws: what is wrong are faults of the document. */
export function readYamlDocument(
  text: string,
  options: YamlOptions,
): YamlText & { readonly document: Document } {
  const lines = new LineCounter()
  const document = withoutStacks(() => parseDocument(text, linear(options, lines)))
  return { document, ...placesIn(text, lines) }
}

/** A text of any number of documents. Never throws either. */
export function readYamlStream(
  text: string,
  options: YamlOptions,
): YamlText & { readonly documents: readonly Document[] } {
  const lines = new LineCounter()
  const parsed = withoutStacks(() => parseAllDocuments(text, linear(options, lines)))
  return { documents: [...parsed], ...placesIn(text, lines) }
}

const linear = (options: YamlOptions, lineCounter: LineCounter) =>
  ({ ...options, lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: 'error' }) as const

/** Each fault is an Error: the stacks of a hundred thousand of them would cost more than the parsing. */
function withoutStacks<T>(parse: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return parse()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function placesIn(text: string, lines: LineCounter): YamlText {
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  return {
    at,
    faultsOf({ errors, warnings, contents }, most) {
      const found: readonly (YamlFault | YAMLError)[] = [...errors, ...warnings, ...inspectNodes(contents)]
      const first = found.slice(0, most).map((fault) => {
        const offset = 'offset' in fault ? fault.offset : fault.pos[0]
        return { offset, message: worded(fault.message, offset) }
      })
      return { count: found.length, first }
    },
  }

  /** As the library words it, which would go on with the line. */
  function worded(message: string, offset: number): string {
    const { line, column } = at(offset)
    const from = lines.lineStarts[column === 1 ? line - 2 : line - 1] ?? 0
    const quoted = text
      .slice(Math.max(from, offset - 80), offset + 80)
      .split('\n', 2)
      .join(' ')
      .trim()
    return `${message.split('\n', 1)[0]} at line ${line}, column ${column}${quoted === '' ? '' : ':'}`
  }
}
